//! Admits rows that were read into the held partitions, a stretch at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ig_core::id::Position;
use ig_core::reading::{ReadRange, RowDisposition};
use ig_core::stream::Stream;

use super::ticket::Ticket;
use super::{DEEP, State, Tracker};

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
    pub fills_hole: bool,
    /// Whether only its earlier decision is left: no cursor will reach its row.
    pub has_vanished: bool,
}

impl Tracker {
    /// Admits the due rows of a stretch and moves the cursors past it in one step, so that no partition can start or end in between. A row
    /// that is not due gets no ticket. `has_more` says that more rows follow.
    pub(crate) fn admit(self: &Arc<Self>, stretch: &ReadRange, rows: Vec<CandidateRow>, has_more: bool) -> Vec<Option<Ticket>> {
        let mut state = self.state.lock();
        let mut touched = HashSet::new();
        let mut tickets = Vec::with_capacity(rows.len());
        for row in rows {
            let ticket = self.admit_row(&mut state, stretch, &row);
            if ticket.is_some() {
                touched.insert(row.stream);
            }
            tickets.push(ticket);
        }
        for progress in state.partitions.values_mut() {
            progress.advance(stretch);
        }
        self.set_apart(&mut state, touched, has_more);
        tickets
    }

    fn admit_row(self: &Arc<Self>, state: &mut State, stretch: &ReadRange, row: &CandidateRow) -> Option<Ticket> {
        let position = row.position;
        let deferred = if row.names_org { None } else { state.deferred.get(&position) };
        let stream = deferred.unwrap_or(&row.stream).clone();
        let progress = state
            .partitions
            .get_mut(&stream.partition())
            .filter(|progress| progress.lease().is_valid())?;
        let turn = if row.has_vanished {
            RowDisposition::Now
        } else {
            progress.reading().turn(&stream, position, stretch, row.fills_hole)
        };
        match turn {
            RowDisposition::Now if !progress.is_admitting() => {
                progress.leave_to_next_holder(position);
                None
            }
            RowDisposition::Now if progress.begin(&stream, position) => {
                state.deferred.remove(&position);
                self.in_flight.fetch_add(1, Ordering::Relaxed);
                let recheck = row.has_vanished || progress.may_be_recorded(position);
                Some(Ticket::new(self, progress.lease(), stream, position, recheck))
            }
            RowDisposition::Later if !row.names_org => {
                state.deferred.insert(position, stream);
                None
            }
            RowDisposition::Now | RowDisposition::Later | RowDisposition::Not => None,
        }
    }

    /// Sets apart the streams with a deep backlog and more rows to come, and those beyond their limit.
    fn set_apart(&self, state: &mut State, streams: HashSet<Stream>, has_more: bool) {
        let limit = self.stream_limit();
        for stream in streams.into_iter().filter(Stream::is_named) {
            let Some(progress) = state.partitions.get_mut(&stream.partition()) else {
                continue;
            };
            let load = progress.stream_load(&stream);
            if load.total() > limit || (has_more && load.events >= DEEP) {
                progress.set_apart(stream);
            }
        }
    }
}
