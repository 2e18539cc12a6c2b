//! The period of an analytics query.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use ig_core::calendar::Period;
use ig_core::clock::Timestamp;
use ig_core::schedule::Zone;

use crate::error::ApiError;
use crate::query::INVALID_MOMENT;

const DEFAULT_LENGTH: TimeDelta = TimeDelta::hours(24);
/// Ninety days, one of which may have 25 hours.
const MAX_LENGTH: TimeDelta = TimeDelta::hours(90 * 24 + 1);

/// The years for which calendars and the database's arithmetic are right.
const YEARS: RangeInclusive<i32> = 1970..=9999;

/// The period between the given bounds. The end defaults to now, the start to 24 hours before the end.
pub(super) fn parse(start: Option<&str>, end: Option<&str>, zone: Zone, now: Timestamp) -> Result<Period, ApiError> {
    let end = parse_moment("endDate", end, 1, zone)?.unwrap_or(now);
    let start = parse_moment("startDate", start, 0, zone)?.or_else(|| end.checked_sub_signed(DEFAULT_LENGTH));
    let period = start.and_then(|start| Period::new(start, end));
    let period = period.ok_or_else(|| ApiError::parameter("startDate", "must be before endDate, which is now by default"))?;
    if period.end() - period.start() > MAX_LENGTH {
        return Err(ApiError::parameter(
            "startDate",
            "must be no more than 90 days before endDate, which is now by default",
        ));
    }
    Ok(period)
}

/// A moment, or the start of the day `day_offset` days after the named one, in a time zone.
fn parse_moment(name: &str, text: Option<&str>, day_offset: u64, zone: Zone) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let exact = || DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    let found = parse_day(text, day_offset, zone).or_else(exact);
    let at = found.ok_or_else(|| ApiError::parameter(name, INVALID_MOMENT))?;
    if !YEARS.contains(&at.year()) {
        return Err(ApiError::parameter(name, "must be in a year from 1970 to 9999"));
    }
    Ok(Some(at))
}

fn parse_day(text: &str, day_offset: u64, zone: Zone) -> Option<Timestamp> {
    let date = text.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(day_offset))?;
    zone.instant(date.and_time(NaiveTime::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn parse_at_noon(start: Option<&str>, end: Option<&str>) -> Result<(Timestamp, Timestamp), String> {
        let zone = "Europe/Berlin".parse().unwrap();
        let period = parse(start, end, zone, at("2024-06-01T12:00:00Z"));
        period
            .map(|period| (period.start(), period.end()))
            .map_err(|error| error.details[0].parameter.clone().unwrap())
    }

    #[test]
    fn period_days_follow_the_time_zone() {
        let both = parse_at_noon(Some("2024-03-31"), Some("2024-03-31"));
        assert_eq!(both, Ok((at("2024-03-30T23:00:00Z"), at("2024-03-31T22:00:00Z"))));
    }

    #[test]
    fn period_defaults_to_the_24_hours_before_its_end() {
        let now = at("2024-06-01T12:00:00Z");
        assert_eq!(parse_at_noon(None, None), Ok((at("2024-05-31T12:00:00Z"), now)));
        let given = parse_at_noon(None, Some("2024-05-10T00:00:00+02:00"));
        assert_eq!(given, Ok((at("2024-05-08T22:00:00Z"), at("2024-05-09T22:00:00Z"))));
    }

    #[test]
    fn period_spans_at_most_90_days_and_starts_before_it_ends() {
        assert!(parse_at_noon(Some("2024-02-01"), Some("2024-04-30")).is_ok());
        assert!(
            parse_at_noon(Some("2024-08-01"), Some("2024-10-29")).is_ok(),
            "one day has 25 hours"
        );
        assert_eq!(
            parse_at_noon(Some("2024-02-01"), Some("2024-05-02")),
            Err("startDate".to_owned())
        );
        assert_eq!(parse_at_noon(Some("2024-06-02"), None), Err("startDate".to_owned()));
        assert_eq!(parse_at_noon(Some("soon"), None), Err("startDate".to_owned()));
        assert_eq!(parse_at_noon(None, Some("2024-13-01")), Err("endDate".to_owned()));
        assert_eq!(parse_at_noon(None, Some("+262142-12-30")), Err("endDate".to_owned()));
        assert_eq!(parse_at_noon(None, Some("1969-12-31")), Err("endDate".to_owned()));
    }
}
