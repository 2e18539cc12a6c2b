//! Quiet hours: times of the day at which people are not disturbed.

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, Weekday};

use super::Severity;
use crate::clock::Timestamp;
use crate::schedule::Zone;

/// Times at which notices of some severities wait. Critical ones never do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    /// The zone of the clock.
    pub zone: Zone,
    /// When they begin.
    pub from: NaiveTime,
    /// When they end: the next day, where this is no later than the beginning.
    pub until: NaiveTime,
    /// The days on which they begin; empty for every day.
    pub days: Vec<Weekday>,
    /// The severities that wait.
    pub severities: Vec<Severity>,
}

impl QuietHours {
    /// When they end, where they hold a severity now. Where clocks change, the times are those of [`Zone::instant`].
    pub fn hold_until(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        if severity == Severity::Critical || !self.severities.contains(&severity) {
            return None;
        }
        let today = self.zone.local(now).date();
        let begun = [today.pred_opt(), Some(today)];
        let ends = begun.into_iter().flatten().filter_map(|day| self.end_of(day, now));
        ends.max()
    }

    /// The end of those that begin on a day, where they are in force now.
    fn end_of(&self, day: NaiveDate, now: Timestamp) -> Option<Timestamp> {
        if !self.days.is_empty() && !self.days.contains(&day.weekday()) {
            return None;
        }
        let last = if self.until > self.from {
            day
        } else {
            day.checked_add_days(Days::new(1))?
        };
        let begin = self.zone.instant(day.and_time(self.from))?;
        let end = self.zone.instant(last.and_time(self.until))?;
        (begin <= now && now < end).then_some(end)
    }
}
