//! Spans of time in which a zone's clocks do not change.

use chrono::TimeDelta;

use super::{Interval, Period};
use crate::clock::Timestamp;
use crate::schedule::Zone;

/// Clocks never change twice within this time.
const LOOK_STEP: TimeDelta = TimeDelta::hours(6);

/// A span of time, from a moment on, in which clocks do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetSpan {
    /// Its first moment.
    pub from: Timestamp,
    /// The offset of local clocks from UTC.
    pub offset: TimeDelta,
}

impl OffsetSpan {
    /// The start of the granule (local minute, hour or day) that contains a moment of this span, no earlier than the
    /// span.
    pub fn granule(self, at: Timestamp, length: TimeDelta) -> Timestamp {
        let local = at.timestamp_millis() + self.offset.num_milliseconds();
        let into = TimeDelta::milliseconds(local.rem_euclid(length.num_milliseconds().max(1)));
        self.from.max(at - into)
    }
}

impl Interval {
    /// The length of the granules that make up the pieces.
    pub fn granule(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::minutes(1),
            Self::Hour => TimeDelta::hours(1),
            Self::Day | Self::Week | Self::Month => TimeDelta::days(1),
        }
    }
}

/// The spans of a period, in order; the first begins with the period.
pub fn offset_spans(zone: Zone, period: Period) -> Vec<OffsetSpan> {
    let mut last = OffsetSpan {
        from: period.start(),
        offset: zone.offset(period.start()),
    };
    let mut spans = vec![last];
    let mut seen = period.start();
    while seen < period.end() {
        let next = (seen + LOOK_STEP).min(period.end());
        if zone.offset(next) != last.offset {
            last = first_change(zone, seen, next);
            spans.push(last);
        }
        seen = next;
    }
    spans.retain(|span| span.from < period.end());
    spans
}

/// The first second after `before` at which clocks have the offset that they have at `after`.
fn first_change(zone: Zone, before: Timestamp, after: Timestamp) -> OffsetSpan {
    let offset = zone.offset(after);
    let (mut early, mut late) = (before.timestamp(), after.timestamp());
    while late - early > 1 {
        let middle = early.midpoint(late);
        match Timestamp::from_timestamp(middle, 0).map(|at| zone.offset(at)) {
            Some(there) if there == offset => late = middle,
            _ => early = middle,
        }
    }
    let from = Timestamp::from_timestamp(late, 0).unwrap_or(after);
    OffsetSpan { from, offset }
}
