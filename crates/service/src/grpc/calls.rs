//! The calls that are being answered.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;

/// Calls in flight, each counted until its answer begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    running: TaskTracker,
    cut: CancellationToken,
}

impl Calls {
    /// Waits until all are answered; what is not by the deadline is answered UNAVAILABLE, and counted in the error.
    pub(crate) async fn finish(&self, deadline: Instant) -> Result<(), usize> {
        self.running.close();
        if tokio::time::timeout_at(deadline, self.running.wait()).await.is_ok() {
            return Ok(());
        }
        let left = self.running.len();
        self.cut.cancel();
        Err(left)
    }
}

/// Notes a call as in flight; one that is cut off is dropped, and its caller may try elsewhere.
pub(super) async fn count(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    let answer = calls.cut.run_until_cancelled(next.run(request));
    let answer = calls.running.track_future(answer).await;
    answer.unwrap_or_else(|| Status::unavailable("the service is shutting down").into_http())
}
