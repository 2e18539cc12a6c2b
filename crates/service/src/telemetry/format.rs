//! Log lines with the ids of their trace.

use std::fmt;

use opentelemetry::{Context, trace::TraceContextExt};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::{
    TraceContext,
    names::{SPAN_ID, TRACE_ID},
};

/// Wraps a format and inserts the ids of the current span into its line.
#[derive(Debug)]
pub(super) struct WithTraceIds<F> {
    line: F,
    insert: fn(&mut String, &TraceContext),
}

impl<F> WithTraceIds<F> {
    pub(super) fn json(line: F) -> Self {
        Self {
            line,
            insert: insert_ids_into_object,
        }
    }

    pub(super) fn text(line: F) -> Self {
        Self {
            line,
            insert: append_ids,
        }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithTraceIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.line.format_event(context, Writer::new(&mut line), event)?;
        if let Some(trace) = current_trace(context) {
            (self.insert)(&mut line, &trace);
        }
        writer.write_str(&line)
    }
}

/// With an exporter, the ids are those of OpenTelemetry's current span; without one, the span carries ids of our own.
fn current_trace<S, N>(context: &FmtContext<'_, S, N>) -> Option<TraceContext>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let own = context
        .lookup_current()
        .and_then(|span| span.extensions().get::<TraceContext>().cloned());
    own.or_else(|| Context::map_current(|current| TraceContext::valid(current.span().span_context())))
}

fn insert_ids_into_object(line: &mut String, trace: &TraceContext) {
    let ids = format!(
        "\"{TRACE_ID}\":\"{}\",\"{SPAN_ID}\":\"{}\",",
        trace.trace_id(),
        trace.span_id()
    );
    line.insert_str(1, &ids);
}

fn append_ids(line: &mut String, trace: &TraceContext) {
    let end = line.trim_end().len();
    let ids = format!(" {TRACE_ID}={} {SPAN_ID}={}", trace.trace_id(), trace.span_id());
    line.insert_str(end, &ids);
}
