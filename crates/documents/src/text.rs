//! Rules for the texts and numbers that people choose.

use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId, Rid};

/// The largest integer that every JSON reader keeps exactly: 2^53 - 1.
const LARGEST: i64 = 9_007_199_254_740_991;

/// Collects a result's faults below `place`.
pub fn collect_faults<T>(faults: &mut Faults, place: &str, result: Result<T, Faults>) -> Option<T> {
    result.map_err(|found| faults.add_below(place, found)).ok()
}

/// Converts a field that is present, and collects its faults below `place`.
pub fn optional<T, U>(
    faults: &mut Faults,
    place: &str,
    field: Option<T>,
    convert: impl FnOnce(T) -> Result<U, Faults>,
) -> Option<U> {
    field.and_then(|field| collect_faults(faults, place, convert(field)))
}

/// A result whose faults are prefixed with `place`.
pub fn prefix_faults<T>(place: &str, result: Result<T, Faults>) -> Result<T, Faults> {
    result.map_err(|found| {
        let mut faults = Faults::default();
        faults.add_below(place, found);
        faults
    })
}

/// A display name: not blank, without control characters, at most `max` characters.
pub fn name(text: &str, max: usize) -> Result<String, Faults> {
    if text.trim().is_empty() {
        return Err(Faults::single("", "must not be blank"));
    }
    line(text, max)
}

/// One line of text of at most `max` characters.
pub fn line(text: &str, max: usize) -> Result<String, Faults> {
    if text.chars().count() > max {
        return Err(Faults::single("", format!("must be at most {max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Faults::single("", "must not hold control characters"));
    }
    Ok(text.to_owned())
}

/// An event type as events carry it; `*` is not allowed.
pub fn event_type(text: &str) -> Result<EventType, Faults> {
    if text == "*" {
        return Err(Faults::single("", "must name one event type"));
    }
    if text.trim() != text {
        return Err(Faults::single("", "must not begin or end with white space"));
    }
    name(text, 200).map(EventType::new)
}

/// An organisation's number.
pub fn org_id(number: i64) -> Result<OrgId, Faults> {
    positive(number).map(OrgId)
}

/// A unit's number.
pub fn rid(number: i64) -> Result<Rid, Faults> {
    positive(number).map(Rid)
}

fn positive(number: i64) -> Result<i64, Faults> {
    if (1..=LARGEST).contains(&number) {
        return Ok(number);
    }
    Err(Faults::single("", format!("must be an integer from 1 to {LARGEST}")))
}
