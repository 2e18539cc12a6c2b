//! `Retry-After`: how long a target asks to be left alone.

use std::time::Duration;

use chrono::NaiveDateTime;
use http::HeaderValue;
use ig_core::clock::Timestamp;

/// A longer wait is cut to this.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// The three date formats of HTTP (RFC 9110, 5.6.7).
const DATE_FORMATS: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// Seconds, or the time until a date. A date in the past is no wait; anything else is ignored.
pub(super) fn parse(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let until = DATE_FORMATS
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
        until.and_utc().signed_duration_since(now).to_std().unwrap_or_default()
    };
    Some(wait.min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates_and_ignores_garbage() {
        let now = "2015-10-21T07:28:00Z".parse().unwrap();
        let table = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Wed, 21 Oct 2015 07:29:30 GMT", Some(90)),
            ("Wednesday, 21-Oct-15 07:29:30 GMT", Some(90)),
            ("Wed Oct 21 07:29:30 2015", Some(90)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(86_400)),
            ("Wed, 21 Oct 2099 07:28:00 GMT", Some(86_400)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in table {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(parse(&HeaderValue::from_str(text).unwrap(), now), expected, "{text:?}");
        }
    }
}
