//! How far one partition has read a source, when some of its streams are set apart.
//!
//! A stream with a deep backlog is set apart: it gets a cursor of its own and is read when there is time, while the rows of
//! other streams behind it are processed at once. Once its cursor catches up with the partition's, it rejoins the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::Position;
use crate::partition::PartitionId;
use crate::stream::Stream;

/// A stretch of a source that was read: every visible row in `(after, to]`, except those of the passed streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRange {
    /// Its exclusive start.
    pub after: Position,
    /// Its last position.
    pub to: Position,
    /// The streams whose rows may be missing.
    pub passed: BTreeSet<Stream>,
    /// The streams set apart that it was also read for; it is always read for the streams that are not set apart.
    pub read_for: BTreeSet<Stream>,
}

impl ReadRange {
    /// A complete stretch: every visible row in `(after, to]`.
    pub fn of_all(after: Position, to: Position) -> Self {
        Self {
            after,
            to,
            passed: BTreeSet::new(),
            read_for: BTreeSet::new(),
        }
    }

    /// Rows that were not read in sequence: only those that fill a gap are due.
    pub fn of_holes() -> Self {
        Self::of_all(Position::MAX, 0)
    }

    fn continues(&self, read_to: Position) -> bool {
        self.after <= read_to && self.to > read_to
    }
}

/// What a partition does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDisposition {
    /// Process it now.
    Now,
    /// Leave it: its stream is set apart and has not been read this far.
    Later,
    /// Ignore it: it was processed before, or belongs to a later stretch that connects.
    Not,
}

/// The cursors of one partition through one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    partition: PartitionId,
    read_to: Position,
    apart: BTreeMap<Stream, Position>,
}

impl Reading {
    /// Resumes after a position.
    pub fn resume(partition: PartitionId, after: Position) -> Self {
        Self {
            partition,
            read_to: after,
            apart: BTreeMap::new(),
        }
    }

    /// The cursor of the streams that are not set apart.
    pub fn read_to(&self) -> Position {
        self.read_to
    }

    /// Every visible row up to here was processed.
    pub fn complete_to(&self) -> Position {
        self.apart.values().copied().fold(self.read_to, Position::min)
    }

    /// The streams set apart, with their cursors.
    pub fn apart(&self) -> impl Iterator<Item = (&Stream, Position)> {
        self.apart.iter().map(|(stream, at)| (stream, *at))
    }

    /// Sets a stream apart: from now on its rows are left for stretches that are read for it.
    pub fn set_apart(&mut self, stream: Stream) {
        debug_assert_eq!(stream.partition(), self.partition);
        self.apart.entry(stream).or_insert(self.read_to);
    }

    /// Whether a stream is set apart.
    pub fn is_apart(&self, stream: &Stream) -> bool {
        self.apart.contains_key(stream)
    }

    /// Rejoins a stream with the others: no row is visible behind its cursor.
    pub fn rejoin(&mut self, stream: &Stream) {
        self.apart.remove(stream);
    }

    /// What to do with a row of one of the partition's streams that was read with a stretch.
    pub fn turn(&self, stream: &Stream, position: Position, stretch: &ReadRange, fills_hole: bool) -> RowDisposition {
        let (cursor, due_to) = match self.apart.get(stream) {
            Some(cursor) => (*cursor, self.apart_to(stream, *cursor, stretch)),
            None => (self.read_to, self.rest_to(stretch)),
        };
        if position <= cursor {
            return if fills_hole {
                RowDisposition::Now
            } else {
                RowDisposition::Not
            };
        }
        match due_to {
            Some(to) if position <= to => RowDisposition::Now,
            _ if self.is_apart(stream) => RowDisposition::Later,
            _ => RowDisposition::Not,
        }
    }

    /// Moves the cursors past a stretch, once [`Reading::turn`] has decided on all of its rows.
    pub fn advance(&mut self, stretch: &ReadRange) {
        let rest = self.rest_to(stretch);
        for stream in &stretch.read_for {
            let to = self
                .apart
                .get(stream)
                .and_then(|cursor| self.apart_to(stream, *cursor, stretch));
            if let Some(to) = to {
                self.apart.insert(stream.clone(), to);
            }
        }
        self.read_to = rest.unwrap_or(self.read_to);
        let caught_up = |stream: &Stream, cursor: Position| cursor >= self.read_to && stretch.read_for.contains(stream);
        self.apart.retain(|stream, cursor| !caught_up(stream, *cursor));
    }

    /// How far a stretch moves the shared cursor. Only streams set apart may be missing from it.
    fn rest_to(&self, stretch: &ReadRange) -> Option<Position> {
        let mut passed = stretch.passed.iter().filter(|stream| stream.partition() == self.partition);
        (stretch.continues(self.read_to) && passed.all(|stream| self.is_apart(stream))).then_some(stretch.to)
    }

    /// How far a stretch moves the cursor of a stream set apart: never past the shared cursor, so that the stream can rejoin.
    fn apart_to(&self, stream: &Stream, cursor: Position, stretch: &ReadRange) -> Option<Position> {
        let is_for_it = stretch.read_for.contains(stream) && !stretch.passed.contains(stream);
        let most = self.rest_to(stretch).unwrap_or(self.read_to);
        (is_for_it && stretch.continues(cursor)).then_some(stretch.to.min(most))
    }
}

#[cfg(test)]
mod tests;
