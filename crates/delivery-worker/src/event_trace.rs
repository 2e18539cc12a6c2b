//! The trace that an event belongs to: the writer's if the row names one, else a new one.

use std::sync::Arc;

use ig_core::event::SourceRow;
use ig_core::id::SourceId;
use ig_service::telemetry::TraceContext;
use tracing::Span;

use crate::names;

/// The event's trace context. It outlives the span, so that an event may wait in a lane without an open span.
#[derive(Debug, Clone)]
pub(crate) struct EventTrace(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    context: TraceContext,
    trace_id: String,
}

impl EventTrace {
    /// Begins an event's span as a child of the context that its row names.
    pub(crate) fn begin(source: &SourceId, row: &SourceRow) -> (Self, Span) {
        let span = tracing::info_span!(
            names::SPAN_EVENT,
            { names::EVENT_SOURCE } = source.as_str(),
            { names::EVENT_POSITION } = row.position,
            { names::EVENT_TYPE } = row.event_type.as_deref().unwrap_or_default(),
        );
        let parent = row.trace_parent.as_deref().and_then(TraceContext::parse);
        if let Some(parent) = &parent {
            parent.adopt(&span);
        }
        let context = TraceContext::of(&span).or(parent).unwrap_or_else(TraceContext::generate);
        (Self::within(context), span)
    }

    /// The trace that contains this context.
    pub(crate) fn within(context: TraceContext) -> Self {
        let trace_id = context.trace_id();
        Self(Arc::new(Identity { context, trace_id }))
    }

    /// The trace id, as 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> &str {
        &self.0.trace_id
    }

    /// Makes a span a part of the event's trace.
    pub(crate) fn adopt(&self, span: &Span) {
        self.0.context.adopt(span);
    }

    /// The `traceparent` for the target: the span that sends the request, or the event's own.
    pub(crate) fn traceparent(&self, span: &Span) -> String {
        TraceContext::of(span).map_or_else(|| self.0.context.child().traceparent(), |own| own.traceparent())
    }
}
