//! A connection, TLS included, comes about in bounded time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;
use tower::Service;

use super::ConnectError;

/// How long a connection may take to come about. Whoever asked has a deadline of their own, but the pool goes on connecting
/// when they were served by another connection meanwhile.
const LONGEST: Duration = Duration::from_secs(20);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bounds the time that a connector takes.
#[derive(Clone)]
pub(crate) struct Bounded<C>(pub(crate) C);

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            timeout(LONGEST, connecting)
                .await
                .unwrap_or_else(|_| Err(ConnectError::TimedOut.into()))
        })
    }
}
