//! Callers in closed loops that reuse their connections, as pools do, and count failures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use http::Request;
use http::header::CONNECTION;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Running callers.
pub(super) struct Callers {
    answered: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    running: JoinSet<Vec<String>>,
}

/// A reusable connection.
struct Kept {
    sender: SendRequest<Full<Bytes>>,
    _driving: JoinSet<hyper::Result<()>>,
}

impl Callers {
    /// Starts `count` callers, each with its own connection.
    pub(super) fn start(address: SocketAddr, path: &str, key: &str, count: usize) -> Self {
        let (answered, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut running = JoinSet::new();
        for _ in 0..count {
            let (path, key) = (format!("/api/v1{path}"), key.to_owned());
            running.spawn(call(address, path, key, Arc::clone(&answered), Arc::clone(&stop)));
        }
        Self { answered, stop, running }
    }

    /// The number of calls answered with 200.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Stops the callers. Returns the number of successful calls and the failures of the others.
    pub(super) async fn stop(mut self) -> (u64, Vec<String>) {
        self.stop.store(true, Relaxed);
        let mut failed = Vec::new();
        while let Some(of_one) = self.running.join_next().await {
            failed.extend(of_one.expect("a caller"));
        }
        (self.answered(), failed)
    }
}

async fn call(address: SocketAddr, path: String, key: String, answered: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> Vec<String> {
    let (mut failed, mut kept) = (Vec::new(), None);
    while !stop.load(Relaxed) {
        match once(address, &path, &key, kept.take()).await {
            Ok((200, again)) => {
                answered.fetch_add(1, Relaxed);
                kept = again;
            }
            Ok((status, _)) => failed.push(status.to_string()),
            Err(error) => failed.push(format!("{error:?}")),
        }
    }
    failed
}

/// Makes one call and returns the connection if it is reusable.
async fn once(address: SocketAddr, path: &str, key: &str, kept: Option<Kept>) -> anyhow::Result<(u16, Option<Kept>)> {
    let mut kept = match kept.filter(|kept| !kept.sender.is_closed()) {
        Some(kept) => kept,
        None => connect(address).await?,
    };
    kept.sender.ready().await?;
    let request = Request::post(path).header("host", "gateway").header("x-api-key", key);
    let request = request
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(b"{}")))?;
    let answer = kept.sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let closes = answer.headers().get(CONNECTION).is_some_and(|value| value == "close");
    answer.into_body().collect().await?;
    Ok((status, Some(kept).filter(|_| !closes)))
}

async fn connect(address: SocketAddr) -> anyhow::Result<Kept> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    Ok(Kept {
        sender,
        _driving: driving,
    })
}
