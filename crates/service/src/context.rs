//! What one service gets from the process it runs in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    config::GrpcConfig,
    grpc::{self, GrpcError, Services},
    host::Stop,
    liveness::Liveness,
    readiness::{Hold, Readiness},
    tasks::{Fate, Tasks},
};

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
    readiness: Readiness,
    liveness: Liveness,
}

impl Context {
    /// A context that ends with `stop`; [`crate::Host`] makes one for each service, tests make their own.
    pub fn new(name: &'static str, stop: &Stop) -> Self {
        let work = Tasks::new(name, stop.clone(), CancellationToken::new());
        let servers = Tasks::new(name, stop.clone(), CancellationToken::new());
        let (readiness, liveness) = (Readiness::new(), Liveness::default());
        Self {
            inner: Arc::new(Inner {
                name,
                stop: stop.clone(),
                work,
                servers,
                readiness,
                liveness,
            }),
        }
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

    /// Not ready, stop intake, finish what is in flight within the grace, close the servers.
    ///
    /// The error names the tasks that were cut off.
    pub async fn drain(&self, grace: Duration) -> Result<(), Vec<String>> {
        /// What the servers get at least, so that a spent grace still closes connections in order.
        const LEAST: Duration = Duration::from_millis(500);
        let deadline = Instant::now() + grace;
        let _draining: Hold = self.inner.readiness.hold("draining");
        self.inner.work.stopping().cancel();
        let work = self.inner.work.drain(grace).await;
        self.inner.servers.stopping().cancel();
        let left = deadline.saturating_duration_since(Instant::now()).max(LEAST);
        let servers = self.inner.servers.drain(left).await;
        work.and(servers)
    }
}
