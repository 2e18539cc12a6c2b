//! Callers in closed loops: each has a connection of its own, and calls again when it is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const WARM_UP: Duration = Duration::from_millis(500);
const DURATION: Duration = Duration::from_secs(2);

/// What is called, and with what.
#[derive(Clone)]
pub(super) struct Load {
    address: SocketAddr,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What came of it.
pub(super) struct Measured {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
}

impl Load {
    /// A POST of `body`.
    pub(super) fn new(address: SocketAddr, path: &str, headers: &[(&'static str, &str)], body: Bytes) -> Self {
        let json = ("content-type", "application/json");
        let all = headers.iter().copied().chain([json]);
        let headers = all.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
        Self {
            address,
            path: path.to_owned(),
            headers: headers.collect(),
            body,
        }
    }

    /// The run with the middle rate.
    pub(super) async fn median_of(&self, runs: usize, connections: usize) -> anyhow::Result<Measured> {
        let mut measured = Vec::new();
        for _ in 0..runs {
            measured.push(self.run(connections).await?);
        }
        measured.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
        Ok(measured.swap_remove(runs / 2))
    }

    async fn run(&self, connections: usize) -> anyhow::Result<Measured> {
        let (began, mut callers) = (Instant::now(), JoinSet::new());
        for _ in 0..connections {
            callers.spawn(self.clone().call(began + WARM_UP, began + WARM_UP + DURATION));
        }
        let mut times = Vec::new();
        while let Some(called) = callers.join_next().await {
            times.extend(called??);
        }
        times.sort_unstable();
        let at = |thousandths: usize| {
            times
                .get(times.len() * thousandths / 1_000)
                .map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
        };
        Ok(Measured {
            per_second: times.len() as f64 / DURATION.as_secs_f64(),
            p50: at(500),
            p99: at(990),
            p999: at(999),
        })
    }

    async fn call(self, from: Instant, until: Instant) -> anyhow::Result<Vec<Duration>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut serving = JoinSet::new();
        serving.spawn(connection);
        let mut times = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let mut request = Request::post(&self.path)
                .header("host", "gateway")
                .body(Full::new(self.body.clone()))?;
            request.headers_mut().extend(self.headers.clone());
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            answer.into_body().collect().await?;
            ensure!(status.is_success(), "{}: {status}", self.path);
            if began >= from {
                times.push(began.elapsed());
            }
        }
        Ok(times)
    }
}
