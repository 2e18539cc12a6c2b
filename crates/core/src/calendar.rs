//! A period cut into pieces along a zone's calendar.
//!
//! The pieces cover the period without gap or overlap; the first and the last end where the period does. Days, weeks (from
//! Monday) and months begin at local midnight, so a day on which clocks change has 23 or 25 hours. Hours and minutes are real
//! time: where clocks are put back, both of two equal hours appear.
//!
//! A database that knows no zones counts by [`OffsetSpan::granule`]: clocks do not change within an offset span, so a granule is plain
//! arithmetic and lies within one piece.

use crate::clock::Timestamp;
use crate::delivery_log::named;

mod grid;
mod offset_spans;
#[cfg(test)]
mod tests;

pub use grid::{Grid, TooManyPieces};
pub use offset_spans::{OffsetSpan, offset_spans};

named! {
    /// How long a piece is.
    Interval {
        /// A minute.
        Minute = "minute",
        /// An hour.
        Hour = "hour",
        /// A day, from midnight.
        Day = "day",
        /// Seven days, from Monday.
        Week = "week",
        /// A month, from its first day.
        Month = "month",
    }
}

/// A half-open span of time: the end is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    start: Timestamp,
    end: Timestamp,
}

impl Period {
    /// The period between two moments; `None` unless `end` is later than `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first moment.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The end, which is outside the period.
    pub fn end(self) -> Timestamp {
        self.end
    }
}
