//! A period cut into pieces as a zone's calendar has them.
//!
//! The pieces cover the period: none is missing, none overlaps another, and the first and the last are only as long as the period
//! reaches. Days, weeks (from Monday) and months begin at local midnight, so a day on which clocks are changed has 23 or 25 hours. Hours
//! and minutes are real time: where clocks are put back, both of two equal hours are there.
//!
//! Who counts in a database that knows no zone counts by [`Stretch::granule`]: within a stretch clocks do not change, so a granule is
//! arithmetic, and it lies within one piece.

use crate::clock::Timestamp;
use crate::delivery_log::named;

mod grid;
mod stretch;
#[cfg(test)]
mod tests;

pub use grid::{Grid, TooManyPieces};
pub use stretch::{Stretch, stretches};

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

/// Time from a moment to a later one, which is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    start: Timestamp,
    end: Timestamp,
}

impl Period {
    /// The time between two moments, where the second is the later.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The moment at which it is over.
    pub fn end(self) -> Timestamp {
        self.end
    }
}
