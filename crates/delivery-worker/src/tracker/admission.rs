//! Rows that were read are offered to the held partitions, a stretch at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ig_core::id::Position;
use ig_core::reading::{Stretch, Turn};
use ig_core::stream::Stream;

use super::ticket::Ticket;
use super::{DEEP, State, Tracker};

/// A row, as far as taking it up is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// Its place in its source.
    pub position: Position,
    /// The stream that it belongs to, as it seems now.
    pub stream: Stream,
    /// Whether it names its organisation itself, so that its stream can never seem another.
    pub is_sure: bool,
    /// Whether it turned up where a hole was watched.
    pub fills_hole: bool,
    /// Whether only its decision tells of it: no cursor will come by its row.
    pub has_vanished: bool,
}

impl Tracker {
    /// Takes up what is due of a stretch and moves the cursors past it, in one step: no partition can come or go in between.
    /// Nothing comes of a row that is not due.
    /// `is_behind` says that more rows wait behind it.
    pub(crate) fn offer(self: &Arc<Self>, stretch: &Stretch, rows: Vec<Offered>, is_behind: bool) -> Vec<Option<Ticket>> {
        let mut state = self.state.lock();
        let mut touched = HashSet::new();
        let mut taken = Vec::with_capacity(rows.len());
        for row in rows {
            let ticket = self.take(&mut state, stretch, &row);
            if ticket.is_some() {
                touched.insert(row.stream);
            }
            taken.push(ticket);
        }
        for held in state.held.values_mut() {
            held.advance(stretch);
        }
        self.set_apart(&mut state, touched, is_behind);
        taken
    }

    fn take(self: &Arc<Self>, state: &mut State, stretch: &Stretch, row: &Offered) -> Option<Ticket> {
        let position = row.position;
        let promised = if row.is_sure { None } else { state.promised.get(&position) };
        let stream = promised.unwrap_or(&row.stream).clone();
        let held = state.held.get_mut(&stream.partition()).filter(|held| held.tenure().holds())?;
        let turn = if row.has_vanished {
            Turn::Now
        } else {
            held.reading().turn(&stream, position, stretch, row.fills_hole)
        };
        match turn {
            Turn::Now if !held.takes_up() => {
                held.leave(position);
                None
            }
            Turn::Now if held.begin(&stream, position) => {
                state.promised.remove(&position);
                self.in_flight.fetch_add(1, Ordering::Relaxed);
                let recheck = row.has_vanished || held.may_be_recorded(position);
                Some(Ticket::new(self, held.tenure(), stream, position, recheck))
            }
            Turn::Later if !row.is_sure => {
                state.promised.insert(position, stream);
                None
            }
            Turn::Now | Turn::Later | Turn::Not => None,
        }
    }

    /// Sets streams apart whose backlog is deep while there is more behind it, or that use more than their share.
    fn set_apart(&self, state: &mut State, streams: HashSet<Stream>, is_behind: bool) {
        let share = self.share();
        for stream in streams.into_iter().filter(Stream::is_named) {
            let Some(held) = state.held.get_mut(&stream.partition()) else {
                continue;
            };
            let under_way = held.under_way(&stream);
            if under_way.load() > share || (is_behind && under_way.events >= DEEP) {
                held.set_apart(stream);
            }
        }
    }
}
