//! Admits rows that were read into the held partitions, a range at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ig_core::id::Position;
use ig_core::read_cursors::{ReadRange, RowDisposition};
use ig_core::stream::Stream;

use super::ticket::Ticket;
use super::{DEEP_BACKLOG_EVENTS, State, Tracker};

/// A row that was read, as admission sees it.
#[derive(Debug, Clone)]
pub(crate) struct CandidateRow {
    /// Its position in its source.
    pub position: Position,
    /// The stream it belongs to, as far as is known now.
    pub stream: Stream,
    /// Whether it names its organisation itself, so that its stream can never change.
    pub names_org: bool,
    /// Whether it fills a gap that was watched.
    pub fills_gap: bool,
    /// Whether only its earlier decision is left: no cursor will reach its row.
    pub has_vanished: bool,
}

impl Tracker {
    /// Admits the due rows of a range and moves the cursors past it in one step, so that no partition can start or end in between. A row
    /// that is not due gets no ticket. `has_more` says that more rows follow.
    pub(crate) fn admit(self: &Arc<Self>, range: &ReadRange, rows: Vec<CandidateRow>, has_more: bool) -> Vec<Option<Ticket>> {
        let mut state = self.state.lock();
        let mut admitted_streams = HashSet::new();
        let mut tickets = Vec::with_capacity(rows.len());
        for row in rows {
            let ticket = self.admit_row(&mut state, range, &row);
            if ticket.is_some() {
                admitted_streams.insert(row.stream);
            }
            tickets.push(ticket);
        }
        for progress in state.partitions.values_mut() {
            progress.advance(range);
        }
        self.defer_backlogs(&mut state, admitted_streams, has_more);
        tickets
    }

    fn admit_row(self: &Arc<Self>, state: &mut State, range: &ReadRange, row: &CandidateRow) -> Option<Ticket> {
        let position = row.position;
        let deferred_to = if row.names_org {
            None
        } else {
            state.deferred_rows.get(&position)
        };
        let stream = deferred_to.unwrap_or(&row.stream).clone();
        let progress = state
            .partitions
            .get_mut(&stream.partition())
            .filter(|progress| progress.lease().is_valid())?;
        let disposition = if row.has_vanished {
            RowDisposition::Now
        } else {
            progress.cursors().disposition(&stream, position, range, row.fills_gap)
        };
        match disposition {
            RowDisposition::Now if !progress.is_admitting() => {
                progress.leave_to_next_holder(position);
                None
            }
            RowDisposition::Now if progress.begin(&stream, position) => {
                state.deferred_rows.remove(&position);
                self.in_flight.fetch_add(1, Ordering::Relaxed);
                let recheck = row.has_vanished || progress.may_be_recorded(position);
                Some(Ticket::new(self, progress.lease(), stream, position, recheck))
            }
            RowDisposition::Later if !row.names_org => {
                state.deferred_rows.insert(position, stream);
                None
            }
            RowDisposition::Now | RowDisposition::Later | RowDisposition::Ignore => None,
        }
    }

    /// Defers the streams with a deep backlog and more rows to come, and those beyond their limit.
    fn defer_backlogs(&self, state: &mut State, streams: HashSet<Stream>, has_more: bool) {
        let limit = self.stream_limit();
        for stream in streams.into_iter().filter(Stream::is_deferrable) {
            let Some(progress) = state.partitions.get_mut(&stream.partition()) else {
                continue;
            };
            let load = progress.stream_load(&stream);
            if load.total() > limit || (has_more && load.events >= DEEP_BACKLOG_EVENTS) {
                progress.defer(stream);
            }
        }
    }
}
