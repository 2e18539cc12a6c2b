//! The gRPC calls in flight, and how a shutdown waits for them.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;

/// Tracks calls until their response begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlightCalls {
    running: TaskTracker,
    aborted: CancellationToken,
}

impl InFlightCalls {
    /// Waits for all calls; those that outlast the deadline end as UNAVAILABLE, and the error is their number.
    pub(crate) async fn finish(&self, deadline: Instant) -> Result<(), usize> {
        self.running.close();
        if tokio::time::timeout_at(deadline, self.running.wait()).await.is_ok() {
            return Ok(());
        }
        let unfinished = self.running.len();
        self.aborted.cancel();
        Err(unfinished)
    }
}

/// Tracks a call; aborting it drops the handler, and the caller may try another replica.
pub(super) async fn track(State(calls): State<InFlightCalls>, request: Request, next: Next) -> Response {
    let response = calls.aborted.run_until_cancelled(next.run(request));
    let response = calls.running.track_future(response).await;
    response.unwrap_or_else(|| Status::unavailable("the service is shutting down").into_http())
}
