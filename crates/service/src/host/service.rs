//! One service inside the process.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    admin::{self, AdminError},
    config::AdminConfig,
    context::Context,
};

/// A service that has started.
#[derive(Debug)]
pub struct Running<T> {
    /// Its context, whose readiness can be waited for.
    pub context: Context,
    /// Where its admin port is.
    pub admin: SocketAddr,
    /// What `run` answered: the addresses it bound, for instance.
    pub output: T,
}

/// A service that could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its admin port is taken.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// `run` failed.
    #[error("{0:#}")]
    Run(anyhow::Error),
    /// The process was told to stop before it had started.
    #[error("stopped before it had started")]
    Stopped,
}

pub(super) async fn start<T, R, F>(
    context: Context,
    admin: &AdminConfig,
    metrics: PrometheusHandle,
    run: R,
) -> Result<Running<T>, StartError>
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
    Ok(Running { context, admin, output })
}
