//! The position of a unit of work in a trace, and its propagation (W3C Trace Context).

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::MetadataMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::registry::LookupSpan;

use super::BaseSubscriber;

/// A span's identity: trace id, span id, and whether it is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceContext(SpanContext);

impl TraceContext {
    /// The root of a new trace.
    pub fn generate() -> Self {
        Self::local(
            TraceId::from(nonzero(rand::random())),
            TraceFlags::SAMPLED,
            TraceState::default(),
        )
    }

    /// The context of the current span, if there is one.
    pub fn current() -> Option<Self> {
        Self::of(&Span::current())
    }

    /// The context of the current span, or a new trace where there is none.
    pub fn current_or_new() -> Self {
        Self::current().unwrap_or_else(Self::generate)
    }

    /// The context of a span.
    pub fn of(span: &Span) -> Option<Self> {
        let own = span.with_subscriber(|(id, dispatch)| {
            let span = dispatch.downcast_ref::<BaseSubscriber>()?.span(id)?;
            span.extensions().get::<Self>().cloned()
        });
        own.flatten().or_else(|| Self::valid(span.context().span().span_context()))
    }

    /// Reads a `traceparent` value, such as one from a database column.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("traceparent"),
            HeaderValue::try_from(traceparent).ok()?,
        )]);
        Self::extract(&headers)
    }

    /// Reads the context from a caller's headers.
    pub fn extract(headers: &HeaderMap) -> Option<Self> {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        Self::valid(context.span().span_context())
    }

    /// [`TraceContext::extract`] from gRPC metadata.
    pub fn extract_metadata(metadata: &MetadataMap) -> Option<Self> {
        Self::extract(metadata.as_ref())
    }

    /// Writes `traceparent` and `tracestate` into the headers of a call.
    pub fn inject(&self, headers: &mut HeaderMap) {
        let context = Context::new().with_remote_span_context(self.0.clone());
        TraceContextPropagator::new().inject_context(&context, &mut HeadersMut(headers));
    }

    /// [`TraceContext::inject`] into gRPC metadata.
    pub fn inject_metadata(&self, metadata: &mut MetadataMap) {
        let mut headers = std::mem::take(metadata).into_headers();
        self.inject(&mut headers);
        *metadata = MetadataMap::from_headers(headers);
    }

    /// Makes `span`, new and not yet entered, continue this trace.
    pub fn adopt(&self, span: &Span) {
        let own = span.with_subscriber(|(id, dispatch)| {
            let span = dispatch.downcast_ref::<BaseSubscriber>()?.span(id)?;
            let mut extensions = span.extensions_mut();
            *extensions.get_mut::<Self>()? = self.child();
            Some(())
        });
        if own.flatten().is_none() {
            // Fails only without an exporter or for a filtered span: then there is nothing to continue.
            let _ = span.set_parent(Context::new().with_remote_span_context(self.0.clone()));
        }
    }

    /// The value of a `traceparent` header.
    pub fn traceparent(&self) -> String {
        let sampled = self.0.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{sampled:02x}", self.0.trace_id(), self.0.span_id())
    }

    /// The trace id as 32 hex digits.
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }

    /// The span id as 16 hex digits.
    pub fn span_id(&self) -> String {
        self.0.span_id().to_string()
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self::local(self.0.trace_id(), self.0.trace_flags(), self.0.trace_state().clone())
    }

    pub(super) fn valid(context: &SpanContext) -> Option<Self> {
        context.is_valid().then(|| Self(context.clone()))
    }

    fn local(trace: TraceId, flags: TraceFlags, state: TraceState) -> Self {
        let span = SpanId::from(u64::try_from(nonzero(u128::from(rand::random::<u64>()))).unwrap_or(1));
        Self(SpanContext::new(trace, span, flags, false, state))
    }
}

/// An id of zero is invalid.
fn nonzero(id: u128) -> u128 {
    id.max(1)
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}
