//! An event that was taken up and is to be decided about.

use std::sync::Arc;

use ig_core::id::SourceId;
use ig_transform::Verdict;
use tracing::Span;

use crate::event_trace::EventTrace;
use crate::intake::Addressed;
use crate::reader::SourceState;
use crate::tracker::Ticket;

/// An event that was taken up and is to be decided about.
pub(crate) struct Taken {
    /// The source it came from.
    pub state: Arc<SourceState>,
    /// Its row.
    pub addressed: Addressed,
    /// Its share in its partition's progress.
    pub ticket: Ticket,
}

/// What came of holding a payload against the schema of its type.
#[derive(Debug)]
pub(crate) enum Judged {
    /// It was held against it, or against none.
    Verdict(Verdict),
    /// It could not be read again: its row was deleted.
    RowGone,
}

impl Taken {
    /// The source's name.
    pub(crate) fn source(&self) -> &SourceId {
        self.state.source.id()
    }

    /// Begins the event's span.
    pub(crate) fn begin(&self) -> (EventTrace, Span) {
        EventTrace::begin(self.source(), &self.addressed.row)
    }
}
