//! What one service gets from the process it runs in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    config::GrpcConfig,
    grpc::{self, Calls, GrpcError, Services},
    host::Stop,
    liveness::Liveness,
    readiness::Readiness,
    tasks::{Fate, Tasks},
};

/// Between two tries of what keeps being tried.
const AGAIN: Duration = Duration::from_secs(2);
/// What connections get to close in order once nothing is in flight.
const HANGING_UP: Duration = Duration::from_secs(1);

/// One service's name, tasks, readiness, liveness and share in the shutdown. Clones are the same service.
#[derive(Debug, Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: &'static str,
    stop: Stop,
    work: Tasks,
    servers: Tasks,
    calls: Calls,
    readiness: Readiness,
    liveness: Liveness,
}

impl Context {
    /// A context that ends with `stop`; [`crate::Host`] makes one for each service, tests make their own.
    pub fn new(name: &'static str, stop: &Stop) -> Self {
        let work = Tasks::new(name, stop.clone(), CancellationToken::new());
        let servers = Tasks::new(name, stop.clone(), CancellationToken::new());
        let inner = Inner {
            name,
            stop: stop.clone(),
            work,
            servers,
            calls: Calls::default(),
            readiness: Readiness::new(),
            liveness: Liveness::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Where the service's work is spawned.
    pub fn tasks(&self) -> &Tasks {
        &self.inner.work
    }

    /// [`Tasks::spawn`] for work.
    pub fn spawn<F>(&self, name: impl Into<String>, fate: Fate, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.inner.work.spawn(name, fate, future);
    }

    /// Tries until it succeeds, until it was tried for so long, or until the stop; one that never succeeded is logged.
    pub fn keep_trying<F, E>(&self, name: &'static str, tried_for: Duration, mut attempt: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let stop = self.stopping().clone();
        self.spawn(name, Fate::Finishes, async move {
            let trying = async {
                loop {
                    tokio::time::sleep(AGAIN).await;
                    match attempt().await {
                        Ok(()) => return,
                        Err(error) => tracing::debug!(%error, name, "tried again in vain"),
                    }
                }
            };
            let tried = stop.run_until_cancelled(tokio::time::timeout(tried_for, trying)).await;
            if !matches!(tried, Some(Ok(()))) {
                tracing::error!(name, "given up after trying in vain");
            }
        });
    }

    /// Cancelled when nothing more is to be taken in: what is in flight is finished, then the task ends.
    pub fn stopping(&self) -> &CancellationToken {
        self.inner.work.stopping()
    }

    /// The latch behind `/readyz` and the gRPC health service.
    pub fn readiness(&self) -> &Readiness {
        &self.inner.readiness
    }

    /// The heartbeats behind `/livez`.
    pub fn liveness(&self) -> &Liveness {
        &self.inner.liveness
    }

    /// How to end the whole process from within.
    pub fn stop(&self) -> &Stop {
        &self.inner.stop
    }

    /// Serves gRPC until the drain is over; answers the address that was bound.
    pub async fn serve_grpc(&self, config: &GrpcConfig, services: Services) -> Result<SocketAddr, GrpcError> {
        grpc::serve(self, config, services).await
    }

    /// Servers outlive the work: they close when what is in flight has finished.
    pub(crate) fn servers(&self) -> &Tasks {
        &self.inner.servers
    }

    /// The gRPC calls that are being answered; a stream counts until it begins.
    pub(crate) fn calls(&self) -> &Calls {
        &self.inner.calls
    }

    /// Not ready, stop intake, finish what is in flight within the grace, close the servers.
    ///
    /// The error names what was cut off.
    pub async fn drain(&self, grace: Duration) -> Result<(), Vec<String>> {
        let deadline = Instant::now() + grace;
        let _draining = self.inner.readiness.hold("draining");
        self.inner.work.stopping().cancel();
        let work = self.inner.work.drain(grace).await;
        let calls = self.close(deadline).await;
        work.and(calls)
    }

    /// Takes no new calls, answers those there are, then hangs up on whoever has not: a peer that keeps a stream or
    /// an idle connection cannot hold up our end.
    async fn close(&self, deadline: Instant) -> Result<(), Vec<String>> {
        self.inner.servers.stopping().cancel();
        let answered = self.inner.calls.finish(deadline).await;
        if let Err(servers) = self.inner.servers.drain(HANGING_UP).await {
            tracing::debug!(
                service = self.inner.name,
                servers = servers.join(", "),
                "connections were cut"
            );
        }
        answered.map_err(|left| vec![format!("{left} gRPC calls")])
    }
}
