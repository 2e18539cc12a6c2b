//! One service inside the process.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    admin::{self, AdminError},
    config::AdminConfig,
    context::Context,
};

/// A service that is running.
#[derive(Debug)]
pub struct RunningService<T> {
    /// The service's context, for instance to wait for readiness.
    pub context: Context,
    /// The bound address of the admin port.
    pub admin: SocketAddr,
    /// The result of `run`, such as the addresses it bound.
    pub output: T,
}

/// A service that could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The admin port is taken.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// `run` failed.
    #[error("{0:#}")]
    Run(anyhow::Error),
    /// The shutdown came before the service had started.
    #[error("stopped before it had started")]
    Stopped,
}

pub(super) async fn start<T, R, F>(
    context: Context,
    admin: &AdminConfig,
    metrics: PrometheusHandle,
    run: R,
) -> Result<RunningService<T>, StartError>
where
    R: FnOnce(Context) -> F,
    F: Future<Output = anyhow::Result<T>>,
{
    let starting = context.readiness().hold("starting");
    let admin = admin::serve(&context, admin, Some(metrics)).await?;
    tracing::info!(service = context.name(), admin = %admin, "starting");
    let output = tokio::select! {
        output = run(context.clone()) => output.map_err(StartError::Run)?,
        () = context.stop().requested() => return Err(StartError::Stopped),
    };
    drop(starting);
    tracing::info!(service = context.name(), "started");
    Ok(RunningService { context, admin, output })
}
