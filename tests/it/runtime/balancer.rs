//! A minimal TCP load balancer: round robin, and the next replica where one does not accept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running balancer; it stops when it is dropped.
pub(super) struct Balancer {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Balancer {
    /// Starts a balancer for these replicas.
    pub(super) async fn start(replicas: [String; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (replicas, turn) = (Arc::new(replicas), Arc::new(AtomicUsize::new(0)));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(pass(stream, Arc::clone(&replicas), turn.fetch_add(1, Relaxed)));
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }

    /// The balancer's address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn pass(mut client: TcpStream, replicas: Arc<[String; 2]>, turn: usize) {
    for at in [turn % 2, (turn + 1) % 2] {
        if let Ok(mut replica) = TcpStream::connect(&replicas[at]).await {
            // Either side may close the connection first.
            drop(copy_bidirectional(&mut client, &mut replica).await);
            return;
        }
    }
}
