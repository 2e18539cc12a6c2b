//! How far one partition has read a source, when some of its streams are deferred.
//!
//! A stream with a deep backlog is deferred: it gets a cursor of its own and is read when there is time, while the rows of
//! other streams behind it are processed at once. Once its cursor catches up with the partition's, it rejoins the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::Position;
use crate::partition::PartitionId;
use crate::stream::Stream;

/// A range of a source that was read: every visible row in `(after, to]`, except those of the skipped streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRange {
    /// Its exclusive start.
    pub after: Position,
    /// Its last position.
    pub to: Position,
    /// The streams whose rows may be missing.
    pub skipped: BTreeSet<Stream>,
    /// The deferred streams that it was also read for; it is always read for the streams that are not deferred.
    pub read_for: BTreeSet<Stream>,
}

impl ReadRange {
    /// A complete range: every visible row in `(after, to]`.
    pub fn of_all(after: Position, to: Position) -> Self {
        Self {
            after,
            to,
            skipped: BTreeSet::new(),
            read_for: BTreeSet::new(),
        }
    }

    /// Rows that were not read in sequence: only those that fill a gap are due.
    pub fn of_gaps() -> Self {
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
    /// Leave it: its stream is deferred and has not been read this far.
    Later,
    /// Ignore it: it was processed before, or belongs to a later range that connects.
    Ignore,
}

/// The cursors of one partition through one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCursors {
    partition: PartitionId,
    read_to: Position,
    deferred: BTreeMap<Stream, Position>,
}

impl ReadCursors {
    /// Resumes after a position.
    pub fn resume(partition: PartitionId, after: Position) -> Self {
        Self {
            partition,
            read_to: after,
            deferred: BTreeMap::new(),
        }
    }

    /// The cursor of the streams that are not deferred.
    pub fn read_to(&self) -> Position {
        self.read_to
    }

    /// Every visible row up to here was processed.
    pub fn complete_to(&self) -> Position {
        self.deferred.values().copied().fold(self.read_to, Position::min)
    }

    /// The deferred streams, with their cursors.
    pub fn deferred(&self) -> impl Iterator<Item = (&Stream, Position)> {
        self.deferred.iter().map(|(stream, at)| (stream, *at))
    }

    /// Defers a stream: from now on its rows are left for ranges that are read for it.
    pub fn defer(&mut self, stream: Stream) {
        debug_assert_eq!(stream.partition(), self.partition);
        self.deferred.entry(stream).or_insert(self.read_to);
    }

    /// Whether a stream is deferred.
    pub fn is_deferred(&self, stream: &Stream) -> bool {
        self.deferred.contains_key(stream)
    }

    /// Rejoins a stream with the others: no row is visible behind its cursor.
    pub fn rejoin(&mut self, stream: &Stream) {
        self.deferred.remove(stream);
    }

    /// What to do with a row of one of the partition's streams that was read with a range.
    pub fn disposition(&self, stream: &Stream, position: Position, range: &ReadRange, fills_gap: bool) -> RowDisposition {
        let (cursor, due_to) = match self.deferred.get(stream) {
            Some(cursor) => (*cursor, self.deferred_to(stream, *cursor, range)),
            None => (self.read_to, self.shared_to(range)),
        };
        if position <= cursor {
            return if fills_gap {
                RowDisposition::Now
            } else {
                RowDisposition::Ignore
            };
        }
        match due_to {
            Some(to) if position <= to => RowDisposition::Now,
            _ if self.is_deferred(stream) => RowDisposition::Later,
            _ => RowDisposition::Ignore,
        }
    }

    /// Moves the cursors past a range, once [`ReadCursors::disposition`] has decided on all of its rows.
    pub fn advance(&mut self, range: &ReadRange) {
        let shared = self.shared_to(range);
        for stream in &range.read_for {
            let to = self
                .deferred
                .get(stream)
                .and_then(|cursor| self.deferred_to(stream, *cursor, range));
            if let Some(to) = to {
                self.deferred.insert(stream.clone(), to);
            }
        }
        self.read_to = shared.unwrap_or(self.read_to);
        let caught_up = |stream: &Stream, cursor: Position| cursor >= self.read_to && range.read_for.contains(stream);
        self.deferred.retain(|stream, cursor| !caught_up(stream, *cursor));
    }

    /// How far a range moves the shared cursor. Only deferred streams may be missing from it.
    fn shared_to(&self, range: &ReadRange) -> Option<Position> {
        let mut skipped = range.skipped.iter().filter(|stream| stream.partition() == self.partition);
        (range.continues(self.read_to) && skipped.all(|stream| self.is_deferred(stream))).then_some(range.to)
    }

    /// How far a range moves the cursor of a deferred stream: never past the shared cursor, so that the stream can rejoin.
    fn deferred_to(&self, stream: &Stream, cursor: Position, range: &ReadRange) -> Option<Position> {
        let is_for_it = range.read_for.contains(stream) && !range.skipped.contains(stream);
        let most = self.shared_to(range).unwrap_or(self.read_to);
        (is_for_it && range.continues(cursor)).then_some(range.to.min(most))
    }
}

#[cfg(test)]
mod tests;
