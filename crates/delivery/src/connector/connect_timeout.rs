//! A time limit on connecting, TLS included.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;
use tower::Service;

use super::ConnectError;

/// The pool goes on connecting after another connection has served the request, so the request's own deadline does not bound this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Limits the time that a connector takes.
#[derive(Clone)]
pub(crate) struct ConnectTimeout<C>(pub(crate) C);

impl<C> Service<Uri> for ConnectTimeout<C>
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
            timeout(CONNECT_TIMEOUT, connecting)
                .await
                .unwrap_or_else(|_| Err(ConnectError::TimedOut.into()))
        })
    }
}
