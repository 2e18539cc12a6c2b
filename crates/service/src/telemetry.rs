//! Logs, traces and metrics of a process.

pub mod names;

mod format;
mod ids;
mod metrics;
mod trace_context;
mod traces;

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Registry,
    filter::{FilterExt, LevelFilter, ParseError, filter_fn},
    fmt,
    layer::{Layer, SubscriberExt},
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{LogFormat, TelemetryConfig};

pub use trace_context::TraceContext;

/// How long an unreachable collector may delay the exit.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Telemetry that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.log` is not a valid filter.
    #[error("telemetry.log: {0}")]
    Filter(#[from] ParseError),
    /// The exporter could not be built.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// This process has a subscriber already.
    #[error("telemetry was started twice: {0}")]
    Subscriber(#[from] TryInitError),
    /// This process has a metrics recorder already.
    #[error("metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// The telemetry of this process, started once.
#[derive(Debug)]
pub struct Telemetry {
    metrics: PrometheusHandle,
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Installs logs, metrics and, where a collector is configured, traces.
    pub fn start(name: &str, version: &str, config: &TelemetryConfig) -> Result<Self, TelemetryError> {
        let provider = traces::provider(name, version, config)?;
        let (otel, ids) = match &provider {
            Some(provider) => (Some(traces::layer(provider)), None),
            None => (None, Some(ids::TraceIdLayer)),
        };
        // Spans pass the log filter: tracing does not depend on logging, and every log line finds its span.
        let logged = EnvFilter::try_new(&config.log)?.or(filter_fn(is_work_span));
        tracing_subscriber::registry()
            .with(ids.with_filter(LevelFilter::INFO))
            .with(otel.with_filter(LevelFilter::INFO))
            .with(line_layer(config.format).with_filter(logged))
            .try_init()?;
        Ok(Self {
            metrics: metrics::install()?,
            provider,
        })
    }

    /// The metrics of this process, to be rendered.
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Exports the remaining spans and closes the exporter.
    pub async fn flush(self) {
        let Some(provider) = self.provider else { return };
        // The shutdown blocks until the exporter's own thread has sent the last batch.
        let shutdown = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        if let Ok(Err(error)) = shutdown {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// Spans around a unit of work have level INFO or above.
fn is_work_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() <= Level::INFO
}

fn line_layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            // The current span describes the work; its ancestors only repeat that.
            .with_span_list(false)
            .map_event_format(format::WithTraceIds::json)
            .boxed(),
        LogFormat::Text => layer.with_ansi(false).map_event_format(format::WithTraceIds::text).boxed(),
    }
}

type BaseSubscriber = Registry;
