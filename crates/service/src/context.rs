//! The interface between one service and the process that runs it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    config::GrpcConfig,
    grpc::{self, GrpcError, InFlightCalls, Services},
    host::Stop,
    liveness::Liveness,
    readiness::Readiness,
    tasks::{TaskKind, Tasks},
};

/// Delay between two attempts of [`Context::keep_trying`].
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// How long connections may take to close in order once nothing is in flight.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One service's name, tasks, readiness, liveness and part in the shutdown. Clones refer to the same service.
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
    calls: InFlightCalls,
    readiness: Readiness,
    liveness: Liveness,
}

impl Context {
    /// A context that ends with `stop`. [`crate::ServiceHost`] creates one for each service; tests create their own.
    pub fn new(name: &'static str, stop: &Stop) -> Self {
        let work = Tasks::new(name, stop.clone(), CancellationToken::new());
        let servers = Tasks::new(name, stop.clone(), CancellationToken::new());
        let inner = Inner {
            name,
            stop: stop.clone(),
            work,
            servers,
            calls: InFlightCalls::default(),
            readiness: Readiness::new(),
            liveness: Liveness::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// The tasks of the service's work.
    pub fn tasks(&self) -> &Tasks {
        &self.inner.work
    }

    /// [`Tasks::spawn`] for work.
    pub fn spawn<F>(&self, name: impl Into<String>, kind: TaskKind, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.inner.work.spawn(name, kind, future);
    }

    /// Retries `attempt` in the background until it succeeds, `max_duration` has passed or the service stops; logs a failure.
    pub fn keep_trying<F, E>(&self, name: &'static str, max_duration: Duration, mut attempt: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let stop = self.stopping().clone();
        self.spawn(name, TaskKind::OneShot, async move {
            let trying = async {
                loop {
                    tokio::time::sleep(RETRY_INTERVAL).await;
                    match attempt().await {
                        Ok(()) => return,
                        Err(error) => tracing::debug!(%error, name, "tried again in vain"),
                    }
                }
            };
            let tried = stop.run_until_cancelled(tokio::time::timeout(max_duration, trying)).await;
            if !matches!(tried, Some(Ok(()))) {
                tracing::error!(name, "given up after trying in vain");
            }
        });
    }

    /// Cancelled when intake stops: a task then finishes its work in flight and ends.
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

    /// Ends the whole process from within.
    pub fn stop(&self) -> &Stop {
        &self.inner.stop
    }

    /// Serves gRPC until the drain is over; returns the bound address.
    pub async fn serve_grpc(&self, config: &GrpcConfig, services: Services) -> Result<SocketAddr, GrpcError> {
        grpc::serve(self, config, services).await
    }

    /// The servers, which outlive the work: they close when the work in flight has finished.
    pub(crate) fn servers(&self) -> &Tasks {
        &self.inner.servers
    }

    /// The gRPC calls in flight; a stream counts until it begins.
    pub(crate) fn calls(&self) -> &InFlightCalls {
        &self.inner.calls
    }

    /// Turns not ready, stops intake, finishes the work in flight within the grace and closes the servers.
    ///
    /// The error names the work that was cut off.
    pub async fn drain(&self, grace: Duration) -> Result<(), Vec<String>> {
        let deadline = Instant::now() + grace;
        let _draining = self.inner.readiness.hold("draining");
        self.inner.work.stopping().cancel();
        let work = self.inner.work.drain(grace).await;
        let calls = self.close_servers(deadline).await;
        work.and(calls)
    }

    /// Accepts no new calls, answers those in flight, then closes the connections: a peer that keeps a stream or an
    /// idle connection cannot delay the shutdown.
    async fn close_servers(&self, deadline: Instant) -> Result<(), Vec<String>> {
        self.inner.servers.stopping().cancel();
        let answered = self.inner.calls.finish(deadline).await;
        if let Err(servers) = self.inner.servers.drain(CLOSE_TIMEOUT).await {
            tracing::debug!(
                service = self.inner.name,
                servers = servers.join(", "),
                "connections were cut"
            );
        }
        answered.map_err(|left| vec![format!("{left} gRPC calls")])
    }
}
