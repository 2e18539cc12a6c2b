//! From a clock on the wall to a moment.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;

/// The moment at which a clock in the zone shows this time.
///
/// When clocks go back a time comes twice, and the first is meant. When they go forward a time never comes, and it is read with
/// the offset from before the change, so 02:30 becomes 03:30. This is how iCalendar (RFC 5545, 3.3.5) reads them.
pub(super) fn moment(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => Some(moment.with_timezone(&Utc)),
        LocalResult::None => {
            let day_before = local.checked_sub_signed(Duration::days(1))?;
            let before = zone.offset_from_local_datetime(&day_before).earliest()?;
            let utc = local.checked_sub_signed(Duration::seconds(before.fix().local_minus_utc().into()))?;
            Some(utc.and_utc())
        }
    }
}
