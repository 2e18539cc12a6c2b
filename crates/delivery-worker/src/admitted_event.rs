//! An event that its partition admitted and that waits for its decision.

use std::sync::Arc;

use ig_core::id::SourceId;
use ig_transform::Verdict;
use tracing::Span;

use crate::event_trace::EventTrace;
use crate::intake::ResolvedRow;
use crate::reader::SourceState;
use crate::tracker::Ticket;

/// An event that its partition admitted and that waits for its decision.
pub(crate) struct AdmittedEvent {
    /// The source it came from.
    pub state: Arc<SourceState>,
    /// Its row.
    pub resolved: ResolvedRow,
    /// Its share of its partition's progress.
    pub ticket: Ticket,
}

/// The result of checking a payload against the schema of its event type.
#[derive(Debug)]
pub(crate) enum SchemaVerdict {
    /// The payload was checked, or its type has no schema.
    Checked(Verdict),
    /// The row was deleted before its payload could be read again.
    RowDeleted,
}

impl AdmittedEvent {
    /// The source's name.
    pub(crate) fn source(&self) -> &SourceId {
        self.state.source.id()
    }

    /// Begins the event's span.
    pub(crate) fn begin_span(&self) -> (EventTrace, Span) {
        EventTrace::begin(self.source(), &self.resolved.row)
    }
}
