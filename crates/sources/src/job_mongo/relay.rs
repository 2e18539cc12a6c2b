//! The socket that the driver takes for its server.

use std::path::PathBuf;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use ig_core::job::{FetchError, FetchLimits};
use mongodb::bson::oid::ObjectId;
use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};

use super::dialer::Dialer;
use super::host::Host;

/// What a connection may carry beyond the records: the rest of the last batch, and the driver's own questions.
const OVERHEAD_BYTES: usize = 64 * 1024 * 1024;
/// Lists of small numbers are much larger in BSON than as JSON.
const BSON_PER_JSON: usize = 8;

/// Passes the driver's connections on to one host. Its socket is in the abstract namespace: it has no file, and is gone
/// when this value is.
#[derive(Debug)]
pub(super) struct Relay {
    listener: UnixListener,
    address: PathBuf,
}

impl Relay {
    pub(super) fn bind() -> Result<Self, FetchError> {
        // The first byte makes it an abstract name.
        let address = PathBuf::from(format!("\0ig-job-mongo-{}", ObjectId::new().to_hex()));
        let listener = UnixListener::bind(&address);
        let failed = |error| FetchError::Unavailable(format!("No socket for the database driver: {error}."));
        Ok(Self {
            listener: listener.map_err(failed)?,
            address,
        })
    }

    /// The path to give to the driver.
    pub(super) fn address(&self) -> PathBuf {
        self.address.clone()
    }

    /// Passes connections on until one cannot be made or carries too much, which ends the fetch: the driver itself would
    /// only try again.
    pub(super) async fn serve(&self, dialer: &Dialer<'_>, host: &Host, limits: &FetchLimits) -> FetchError {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if is_ours(&stream) => connections.push(carry(stream, dialer, host, limits)),
                    Ok(_) => {}
                    Err(error) => return FetchError::Unavailable(format!("The database driver's socket failed: {error}.")),
                },
                Some(ended) = connections.next() => if let Err(failure) = ended {
                    return failure;
                },
            }
        }
    }
}

/// Whether this process opened a connection. Any process in this network namespace could.
fn is_ours(stream: &UnixStream) -> bool {
    let opener = stream.peer_cred().ok().and_then(|peer| peer.pid());
    opener.and_then(|pid| u32::try_from(pid).ok()) == Some(std::process::id())
}

/// Carries one connection until one end closes it.
async fn carry(stream: UnixStream, dialer: &Dialer<'_>, host: &Host, limits: &FetchLimits) -> Result<(), FetchError> {
    let server = dialer.dial(host).await?;
    let (from_server, mut to_server) = tokio::io::split(server);
    let (mut from_driver, mut to_driver) = stream.into_split();
    let mut answers = from_server.take(byte_limit(limits));
    // The driver learns of a failure here from the end of its connection.
    tokio::select! {
        _ = tokio::io::copy(&mut answers, &mut to_driver) => {}
        _ = tokio::io::copy(&mut from_driver, &mut to_server) => {}
    }
    if answers.limit() > 0 {
        return Ok(());
    }
    Err(FetchError::TooLarge {
        rows: limits.rows,
        bytes: limits.bytes,
    })
}

fn byte_limit(limits: &FetchLimits) -> u64 {
    let limit = limits.bytes.saturating_mul(BSON_PER_JSON).saturating_add(OVERHEAD_BYTES);
    u64::try_from(limit).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use async_trait::async_trait;
    use ig_core::job::AtCap;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::job_mongo::address_guard::{AddressGuard, GuardRefusal};

    struct Leading(SocketAddr);

    #[async_trait]
    impl AddressGuard for Leading {
        async fn resolve(&self, _: &str, _: u16) -> Result<Vec<SocketAddr>, GuardRefusal> {
            Ok(vec![self.0])
        }
    }

    #[tokio::test]
    async fn relay_knows_connections_of_this_process() {
        let relay = Relay::bind().unwrap();
        let _connection = UnixStream::connect(relay.address()).await.unwrap();
        let (accepted, _) = relay.listener.accept().await.unwrap();
        assert!(is_ours(&accepted));
    }

    #[tokio::test]
    async fn relay_leaves_no_socket_behind() {
        let address = Relay::bind().unwrap().address();
        assert!(UnixStream::connect(address).await.is_err());
    }
    #[tokio::test]
    async fn relay_ends_a_fetch_whose_server_sends_without_end() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let guard = Leading(server.local_addr().unwrap());
        let dialer = Dialer::new(&guard, None);
        let host = Host::parse("db.example").unwrap();
        let limits = FetchLimits {
            rows: 1,
            bytes: 1,
            deadline: Duration::from_secs(30),
            at_cap: AtCap::Refuse,
        };
        let relay = Relay::bind().unwrap();
        let flood = async {
            let (mut stream, _) = server.accept().await.unwrap();
            while stream.write_all(&vec![0; 64 * 1024]).await.is_ok() {}
            std::future::pending::<()>().await;
        };
        let read = async {
            let mut driver = UnixStream::connect(relay.address()).await.unwrap();
            let _ = tokio::io::copy(&mut driver, &mut tokio::io::sink()).await;
            std::future::pending::<()>().await;
        };
        let failure = tokio::select! {
            failure = relay.serve(&dialer, &host, &limits) => failure,
            () = flood => unreachable!("it never ends"),
            () = read => unreachable!("it never ends"),
        };
        assert_eq!(failure, FetchError::TooLarge { rows: 1, bytes: 1 });
    }
}
