//! Traces over OTLP, where a collector is configured.

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::TelemetryConfig;

pub(super) fn provider(
    name: &str,
    version: &str,
    config: &TelemetryConfig,
) -> Result<Option<SdkTracerProvider>, ExporterBuildError> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource(name, version));
    Ok(Some(provider.build()))
}

fn resource(name: &str, version: &str) -> Resource {
    let instance = format!("{:032x}", rand::random::<u128>());
    Resource::builder()
        .with_service_name(name.to_owned())
        .with_attributes([
            KeyValue::new("service.version", version.to_owned()),
            KeyValue::new("service.instance.id", instance),
        ])
        .build()
}

pub(super) fn layer<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Source locations and thread names would double the size of a span and say nothing about the work.
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("ig"));
    layer.with_location(false).with_threads(false)
}
