//! Connections to addresses that the guard has judged, and to no others.
//!
//! [`crate::egress`] explains why this is safe: resolve once, judge every address, connect to those addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use crate::egress::{Blocked, EgressGuard, Host};

mod connect_timeout;
mod happy_eyeballs;
mod resolve;
mod system;
mod zone_limiter;

pub(crate) use connect_timeout::ConnectTimeout;
pub use resolve::Resolve;
pub use system::{ResolverFiles, SystemResolver};

/// Why no connection was established.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The guard refused the address.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The name was not resolved.
    #[error("the name was not resolved")]
    Dns(#[source] io::Error),
    /// No address accepted a connection; the error is that of the last one.
    #[error("no address was connected to")]
    Tcp(#[source] io::Error),
    /// Connecting took too long.
    #[error("the connection took too long")]
    TimedOut,
}

/// Establishes guarded TCP connections.
#[derive(Clone)]
pub(crate) struct GuardedConnector {
    guard: Arc<EgressGuard>,
    resolver: Arc<dyn Resolve>,
}

impl GuardedConnector {
    pub(crate) fn new(guard: Arc<EgressGuard>, resolver: Arc<dyn Resolve>) -> Self {
        Self { guard, resolver }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let uri_host = uri.host().unwrap_or_default();
        let host = uri_host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(uri_host);
        self.guard.check_scheme(is_https)?;
        let addresses = self.addresses(host).await?;
        self.guard.check_all(&addresses, host, port)?;
        let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        let stream = happy_eyeballs::connect(sockets).await.map_err(ConnectError::Tcp)?;
        stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
        Ok(TokioIo::new(stream))
    }

    /// The addresses of a host that is no target of HTTP, all of them judged.
    pub(crate) async fn judged(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let addresses = self.addresses(host).await?;
        self.guard.check_all(&addresses, host, port)?;
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        let addresses = match Host::parse(host)? {
            Host::Address(address) => vec![address],
            Host::Loopback => self.resolver.resolve("localhost").await.map_err(ConnectError::Dns)?,
            Host::Name(name) => self.resolver.resolve(&name).await.map_err(ConnectError::Dns)?,
        };
        if addresses.is_empty() {
            return Err(ConnectError::Dns(io::ErrorKind::NotFound.into()));
        }
        Ok(addresses)
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
