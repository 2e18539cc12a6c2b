//! Connections to the hosts of a database, all of them judged by the guard.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ig_core::job::FetchError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address_guard::AddressGuard;
use super::host::Host;

/// The time limit of one connection, with its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection, with or without TLS.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Connects to judged addresses.
pub(super) struct Dialer<'g> {
    guard: &'g dyn AddressGuard,
    tls: Option<TlsConnector>,
}

impl<'g> Dialer<'g> {
    /// Without a TLS connector, connections are not encrypted.
    pub(super) fn new(guard: &'g dyn AddressGuard, tls: Option<TlsConnector>) -> Self {
        Self { guard, tls }
    }

    /// Asks the guard about a host without connecting to it; a name without addresses passes, since it may get some.
    pub(super) async fn judge(&self, host: &Host) -> Result<(), FetchError> {
        match self.addresses(host).await {
            Ok(_) | Err(FetchError::Unavailable(_)) => Ok(()),
            Err(refused) => Err(refused),
        }
    }

    /// Asks the guard for the addresses of a host, and connects to one of those.
    pub(super) async fn dial(&self, host: &Host) -> Result<Box<dyn Connection>, FetchError> {
        let addresses = self.addresses(host).await?;
        let connected = timeout(CONNECT_TIMEOUT, self.connect(host, &addresses)).await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        connected.map_err(|error| FetchError::Unavailable(format!("No connection to {host}: {error}.")))
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<SocketAddr>, FetchError> {
        Ok(self.guard.resolve(&host.name, host.port).await?)
    }

    async fn connect(&self, host: &Host, addresses: &[SocketAddr]) -> io::Result<Box<dyn Connection>> {
        let stream = first_connection(addresses).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.name.clone()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }
}

/// Tries the addresses in order; each gets an equal share of the time.
async fn first_connection(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match timeout(CONNECT_TIMEOUT / count, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}
