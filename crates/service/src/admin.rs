//! The admin port: probes and metrics.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::{config::AdminConfig, context::Context, tasks::TaskKind};

/// The admin port could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (key `admin.listen`): {source}; stop what holds port {} or choose another", address.port())]
pub struct AdminError {
    /// The configured address.
    pub address: SocketAddr,
    /// The error of the system.
    #[source]
    pub source: io::Error,
}

#[derive(Clone)]
struct Probes {
    context: Context,
    metrics: Option<PrometheusHandle>,
}

/// Serves `/livez`, `/readyz` and `/metrics` until the drain is over; returns the bound address.
pub(crate) async fn serve(
    context: &Context,
    config: &AdminConfig,
    metrics: Option<PrometheusHandle>,
) -> Result<SocketAddr, AdminError> {
    let error = |source| AdminError {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    let router = router(Probes {
        context: context.clone(),
        metrics,
    });
    let closing = context.servers().stopping().clone();
    let name = context.name();
    context.servers().spawn("admin", TaskKind::RunsUntilShutdown, async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(closing.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(service = name, %error, "admin port failed");
        }
    });
    Ok(address)
}

fn router(probes: Probes) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(probes)
}

async fn livez(State(probes): State<Probes>) -> impl IntoResponse {
    let stalled = probes.context.liveness().stalled();
    let lines = stalled
        .iter()
        .map(|(name, age)| format!("{name} has stalled: last seen {} s ago", seconds(*age)));
    probe_response(&lines.collect::<Vec<_>>())
}

async fn readyz(State(probes): State<Probes>) -> impl IntoResponse {
    probe_response(&probes.context.readiness().reasons())
}

async fn metrics(State(probes): State<Probes>) -> impl IntoResponse {
    let text = probes.metrics.map(|handle| handle.render()).unwrap_or_default();
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text)
}

fn probe_response(reasons: &[String]) -> (StatusCode, String) {
    if reasons.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
}

fn seconds(age: Duration) -> u64 {
    age.as_secs()
}
