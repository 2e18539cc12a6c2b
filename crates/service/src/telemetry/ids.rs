//! Trace ids without an exporter: random ids for each span, so that logs can be correlated.

use tracing::{
    Subscriber,
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::TraceContext;

/// Puts each span into its parent's trace, or into a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct TraceIdLayer;

impl<S> Layer<S> for TraceIdLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let parent = match attributes.parent() {
            Some(parent) => context.span(parent),
            None if attributes.is_contextual() => context.lookup_current(),
            None => None,
        };
        let parent = parent.and_then(|span| span.extensions().get::<TraceContext>().cloned());
        let own = parent.map_or_else(TraceContext::generate, |parent| parent.child());
        span.extensions_mut().replace(own);
    }
}
