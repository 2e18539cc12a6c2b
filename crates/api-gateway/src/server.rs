//! The HTTP server.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use ig_service::{Context, Fate};
use tokio::net::TcpListener;

/// The HTTP port could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (key `http.listen`): {source}; stop what holds port {} or choose another", address.port())]
pub(crate) struct ListenError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

/// Serves until the shutdown, then finishes what is in flight; answers the address that was bound.
pub(crate) async fn serve(context: &Context, address: SocketAddr, router: Router) -> Result<SocketAddr, ListenError> {
    let error = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    let stopping = context.stopping().clone();
    context.spawn("http", Fate::RunsUntilShutdown, async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stopping.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the HTTP server failed");
        }
    });
    Ok(bound)
}
