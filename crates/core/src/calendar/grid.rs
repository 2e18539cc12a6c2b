//! The pieces of a period.

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike as _};

use super::{Interval, OffsetSpan, Period, offset_spans};
use crate::clock::Timestamp;
use crate::schedule::Zone;

/// The period falls into more pieces than are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {max} pieces")]
pub struct TooManyPieces {
    /// How many are allowed.
    pub max: usize,
}

/// A period in pieces: the start of each, and the end of the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    bounds: Vec<Timestamp>,
}

impl Grid {
    /// Cuts a period where an interval of the zone's calendar begins.
    pub fn cut(period: Period, interval: Interval, zone: Zone, max: usize) -> Result<Self, TooManyPieces> {
        let spans = offset_spans(zone, period);
        let mut bounds = vec![period.start()];
        let mut at = period.start();
        while at < period.end() {
            if bounds.len() > max {
                return Err(TooManyPieces { max });
            }
            at = next_start(at, interval, zone, &spans)
                .unwrap_or(period.end())
                .min(period.end());
            bounds.push(at);
        }
        Ok(Self { bounds })
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Period> + '_ {
        let pairs = self.bounds.windows(2);
        pairs.filter_map(|pair| Period::new(*pair.first()?, *pair.last()?))
    }

    /// How many pieces there are.
    pub fn count(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// The index of the piece that contains a moment, from 0.
    pub fn index_of(&self, at: Timestamp) -> Option<usize> {
        let begun = self.bounds.partition_point(|bound| *bound <= at);
        begun.checked_sub(1).filter(|index| *index < self.count())
    }
}

/// The start of the next piece after a moment; `None` where the calendar ends.
fn next_start(at: Timestamp, interval: Interval, zone: Zone, spans: &[OffsetSpan]) -> Option<Timestamp> {
    match interval {
        Interval::Minute | Interval::Hour => Some(next_step(at, interval.granule(), zone, spans)),
        Interval::Day | Interval::Week | Interval::Month => next_date(at, interval, zone),
    }
}

/// The next full local minute or hour, or the change of clocks if that comes first.
fn next_step(at: Timestamp, step: TimeDelta, zone: Zone, spans: &[OffsetSpan]) -> Timestamp {
    let clock = zone.local(at).time();
    let shown =
        TimeDelta::seconds(i64::from(clock.num_seconds_from_midnight())) + TimeDelta::nanoseconds(i64::from(clock.nanosecond()));
    let into = shown.num_milliseconds().rem_euclid(step.num_milliseconds());
    let whole = at + TimeDelta::milliseconds(step.num_milliseconds() - into);
    let changed = spans.iter().map(|span| span.from).find(|from| *from > at);
    changed.map_or(whole, |changed| changed.min(whole))
}

/// The next local midnight that begins a day, week or month. A date that a zone skips has none.
fn next_date(at: Timestamp, interval: Interval, zone: Zone) -> Option<Timestamp> {
    let mut date = zone.local(at).date();
    loop {
        date = next_begin(date, interval)?;
        let begins = zone.instant(date.and_time(NaiveTime::MIN))?;
        if begins > at {
            return Some(begins);
        }
    }
}

fn next_begin(date: NaiveDate, interval: Interval) -> Option<NaiveDate> {
    let days = match interval {
        Interval::Month => return date.with_day(1)?.checked_add_months(Months::new(1)),
        Interval::Week => 7 - u64::from(date.weekday().num_days_from_monday()),
        Interval::Minute | Interval::Hour | Interval::Day => 1,
    };
    date.checked_add_days(Days::new(days))
}
