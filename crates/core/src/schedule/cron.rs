//! Cron rules: five fields, or six with seconds first.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::zone::{Zone, wall};
use crate::clock::Timestamp;
use crate::fault::Faults;

const MAX_LENGTH: usize = 200;
/// Clocks change at most once within this time.
const STEADY: TimeDelta = TimeDelta::days(20);

/// A cron rule that fires at least once.
#[derive(Debug, Clone)]
pub struct CronRule {
    text: String,
    cron: Arc<Cron>,
    every_hour: bool,
}

/// Rules are equal when their texts are.
impl PartialEq for CronRule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronRule {}

impl CronRule {
    /// The rule as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The next time after a moment; `None` where its days never come again.
    pub fn next(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        if self.every_hour {
            self.next_in_real_time(after, zone)
        } else {
            self.next_on_the_wall(after, zone)
        }
    }

    /// Walks along local time as if it never jumped, and converts each match to an instant.
    fn next_on_the_wall(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        let mut shown = wall(zone.local(after));
        loop {
            shown = self.match_after(shown)?;
            let at = zone.instant(shown.naive_utc())?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// Walks along real time from one change of clocks to the next.
    fn next_in_real_time(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        let mut cursor = after;
        loop {
            let offset = zone.offset(cursor);
            let at = self.match_after(cursor + offset)? - offset;
            let horizon = at.min(cursor + STEADY);
            match change(zone, cursor, horizon) {
                None if at == horizon => return Some(at),
                None => cursor = horizon,
                // The first instant under the new offset may itself match.
                Some(changed) => {
                    if self.matches(wall(zone.local(changed))) {
                        return Some(changed);
                    }
                    cursor = changed;
                }
            }
        }
    }

    fn match_after(&self, shown: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let second = shown.with_nanosecond(0)?;
        self.cron.find_next_occurrence(&second, false).ok()
    }

    fn matches(&self, shown: DateTime<Utc>) -> bool {
        self.cron.is_time_matching(&shown).unwrap_or(false)
    }
}

/// The first instant with another offset, in `(from, to]`.
fn change(zone: Zone, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
    let offset = zone.offset(from);
    if zone.offset(to) == offset {
        return None;
    }
    let (mut same, mut other) = (from.timestamp(), to.timestamp());
    while other - same > 1 {
        let middle = same + (other - same) / 2;
        if zone.offset(DateTime::from_timestamp(middle, 0)?) == offset {
            same = middle;
        } else {
            other = middle;
        }
    }
    DateTime::from_timestamp(other, 0)
}

impl FromStr for CronRule {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let fault = |message: &str| Faults::single("", message);
        if text.len() > MAX_LENGTH {
            return Err(fault("must be at most 200 characters"));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| fault(&format!("must be a cron expression: {error}")))?;
        let every_hour = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        let rule = Self {
            text: text.to_owned(),
            cron: Arc::new(cron),
            every_hour,
        };
        match rule.match_after(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(rule),
            None => Err(fault("must name a day that comes")),
        }
    }
}
