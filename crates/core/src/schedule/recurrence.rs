//! Recurrences: by a cron rule or at an interval, limited by a count or an end.

use std::time::Duration;

use super::cron::CronRule;
use super::zone::Zone;
use crate::clock::Timestamp;
use crate::date::Moment;
use crate::fault::Faults;

/// The shortest interval.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest interval: a year.
const MAX_INTERVAL: Duration = Duration::from_hours(366 * 24);

/// Missed occurrences of a cron rule are counted one by one up to this number.
pub const MAX_MISSED_COUNTED: u32 = 1000;

/// The rule of a recurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// By the calendar.
    Cron(CronRule),
    /// By the stopwatch, unaffected by changes of clocks.
    Interval(Duration),
}

/// A configured recurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    rule: Rule,
    zone: Option<Zone>,
    first_at: Option<Moment>,
    max_occurrences: Option<u32>,
    end: Option<Moment>,
}

/// A recurrence as written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecurrenceForm<'a> {
    /// A cron rule; either this or an interval.
    pub cron: Option<&'a str>,
    /// Milliseconds from one occurrence to the next.
    pub interval_ms: Option<u64>,
    /// The zone's name; `None` means the tenant's.
    pub timezone: Option<&'a str>,
    /// When it begins.
    pub first_at: Option<&'a str>,
    /// How often it occurs.
    pub max_occurrences: Option<u32>,
    /// The last moment, or the last day.
    pub end_date: Option<&'a str>,
}

/// One occurrence of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Its number, from 1.
    pub number: u32,
    /// When it is due.
    pub at: Timestamp,
}

impl Recurrence {
    /// Validates a recurrence; faults point at `/cron`, `/intervalMs`, `/timezone`, `/firstAt`, `/maxOccurrences`, `/endDate`.
    pub fn new(form: RecurrenceForm<'_>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let rule = parse_rule(&form, &mut faults);
        let recurrence = Self {
            zone: parse_field(form.timezone, "/timezone", &mut faults),
            first_at: parse_field(form.first_at, "/firstAt", &mut faults),
            max_occurrences: form.max_occurrences,
            end: parse_field(form.end_date, "/endDate", &mut faults),
            rule: rule.unwrap_or(Rule::Interval(MAX_INTERVAL)),
        };
        if form.max_occurrences == Some(0) {
            faults.add("/maxOccurrences", "must be at least 1");
        }
        faults.into_result(recurrence)
    }

    /// Its rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Its own zone.
    pub fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// When it begins, if configured.
    pub fn first_at(&self) -> Option<Moment> {
        self.first_at
    }

    /// The maximum number of occurrences, if configured.
    pub fn max_occurrences(&self) -> Option<u32> {
        self.max_occurrences
    }

    /// The last moment, or the last day, if configured.
    pub fn end(&self) -> Option<Moment> {
        self.end
    }

    /// The first occurrence for an event at a moment; `tenant` is the zone where the integration names none.
    ///
    /// Without a `firstAt`, an interval begins one interval later; a `firstAt` that has passed only fixes the grid.
    pub fn first(&self, event_at: Timestamp, tenant: Zone) -> Option<Occurrence> {
        let zone = self.zone.unwrap_or(tenant);
        let begin = self.first_at.and_then(|first| first.start(&zone.clocks()));
        let at = match (&self.rule, begin) {
            (Rule::Cron(rule), Some(begin)) if begin > event_at => {
                // The beginning itself may be an occurrence.
                rule.next(begin - chrono::TimeDelta::milliseconds(1), zone)
            }
            (Rule::Cron(rule), _) => rule.next(event_at, zone),
            (Rule::Interval(interval), None) => event_at.checked_add_signed(time_delta(*interval)),
            (Rule::Interval(interval), Some(begin)) => Some(on_grid(begin, *interval, event_at)),
        };
        self.within_limits(Occurrence { number: 1, at: at? }, zone)
    }

    /// The occurrence after another one, whatever its outcome and the current time.
    pub fn after(&self, last: Occurrence, tenant: Zone) -> Option<Occurrence> {
        let zone = self.zone.unwrap_or(tenant);
        let at = match &self.rule {
            Rule::Cron(rule) => rule.next(last.at, zone),
            Rule::Interval(interval) => last.at.checked_add_signed(time_delta(*interval)),
        };
        let next = Occurrence {
            number: last.number.checked_add(1)?,
            at: at?,
        };
        self.within_limits(next, zone)
    }

    /// The next occurrence at or after a moment, and how many are skipped on the way.
    ///
    /// Of a cron rule at most [`MAX_MISSED_COUNTED`] are counted; beyond those it continues from the moment.
    pub fn after_missed(&self, last: Occurrence, not_before: Timestamp, tenant: Zone) -> (Option<Occurrence>, u32) {
        match &self.rule {
            Rule::Cron(rule) => self.after_missed_cron(rule, last, not_before, tenant),
            Rule::Interval(interval) => self.after_missed_interval(*interval, last, not_before, tenant),
        }
    }

    fn after_missed_cron(
        &self,
        rule: &CronRule,
        last: Occurrence,
        not_before: Timestamp,
        tenant: Zone,
    ) -> (Option<Occurrence>, u32) {
        let (mut last, mut missed) = (last, 0);
        loop {
            match self.after(last, tenant) {
                Some(next) if next.at < not_before && missed < MAX_MISSED_COUNTED => (last, missed) = (next, missed + 1),
                Some(next) if next.at < not_before => {
                    let zone = self.zone.unwrap_or(tenant);
                    let at = rule.next(not_before - chrono::TimeDelta::milliseconds(1), zone);
                    let next = at.map(|at| Occurrence { at, ..next });
                    return (next.and_then(|next| self.within_limits(next, zone)), missed);
                }
                next => return (next, missed),
            }
        }
    }

    fn after_missed_interval(
        &self,
        interval: Duration,
        last: Occurrence,
        not_before: Timestamp,
        tenant: Zone,
    ) -> (Option<Occurrence>, u32) {
        let Some(next) = self.after(last, tenant) else {
            return (None, 0);
        };
        let behind = intervals_until(next.at, interval, not_before);
        let zone = self.zone.unwrap_or(tenant);
        let later = |steps: u32| {
            let ahead = i32::try_from(steps)
                .ok()
                .and_then(|steps| time_delta(interval).checked_mul(steps))?;
            let at = next.at.checked_add_signed(ahead)?;
            let number = next.number.checked_add(steps)?;
            self.within_limits(Occurrence { number, at }, zone)
        };
        let behind = u32::try_from(behind).unwrap_or(u32::MAX);
        if let Some(next) = later(behind) {
            return (Some(next), behind);
        }
        // The series ends before that: the occurrences up to its end were missed.
        let (mut in_series, mut beyond) = (0, behind);
        while beyond - in_series > 1 {
            let middle = in_series + (beyond - in_series) / 2;
            if later(middle).is_some() {
                in_series = middle;
            } else {
                beyond = middle;
            }
        }
        (None, beyond)
    }

    /// The first occurrences for an event at a moment, for a preview.
    pub fn occurrences(&self, event_at: Timestamp, count: usize, tenant: Zone) -> Vec<Occurrence> {
        let first = self.first(event_at, tenant);
        std::iter::successors(first, |last| self.after(*last, tenant))
            .take(count)
            .collect()
    }

    fn within_limits(&self, occurrence: Occurrence, zone: Zone) -> Option<Occurrence> {
        let not_too_often = self.max_occurrences.is_none_or(|max| occurrence.number <= max);
        let not_too_late = self.end.is_none_or(|end| end.has_not_passed(occurrence.at, &zone.clocks()));
        (not_too_often && not_too_late).then_some(occurrence)
    }
}

fn parse_rule(form: &RecurrenceForm<'_>, faults: &mut Faults) -> Option<Rule> {
    match (form.cron, form.interval_ms) {
        (Some(_), Some(_)) => {
            faults.add("/intervalMs", "must be left out where there is a cron");
            None
        }
        (None, None) => {
            faults.add("/cron", "must be given, or intervalMs instead");
            None
        }
        (Some(cron), None) => parse_field(Some(cron), "/cron", faults).map(Rule::Cron),
        (None, Some(millis)) => {
            let interval = Duration::from_millis(millis);
            if interval < MIN_INTERVAL || interval > MAX_INTERVAL {
                faults.add("/intervalMs", "must be from 1000 to 31622400000");
            }
            Some(Rule::Interval(interval))
        }
    }
}

pub(super) fn parse_field<T: std::str::FromStr<Err = Faults>>(text: Option<&str>, place: &str, faults: &mut Faults) -> Option<T> {
    text?.parse::<T>().map_err(|found| faults.add_below(place, found)).ok()
}

fn time_delta(interval: Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(interval).unwrap_or(chrono::TimeDelta::MAX)
}

/// The first of `begin`, `begin + interval`, … that is not before `not_before`.
fn on_grid(begin: Timestamp, interval: Duration, not_before: Timestamp) -> Timestamp {
    let ahead = intervals_until(begin, interval, not_before).saturating_mul(milliseconds(interval));
    let ahead = chrono::TimeDelta::try_milliseconds(ahead);
    ahead.and_then(|ahead| begin.checked_add_signed(ahead)).unwrap_or(begin)
}

/// How many intervals it takes to reach `not_before`.
fn intervals_until(begin: Timestamp, interval: Duration, not_before: Timestamp) -> i64 {
    let step = milliseconds(interval);
    let behind = not_before.signed_duration_since(begin).num_milliseconds().max(0);
    behind / step + i64::from(behind % step > 0)
}

fn milliseconds(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1)
}
