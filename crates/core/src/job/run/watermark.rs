//! How far an incremental job has come in its source.

use std::cmp::Ordering;

use chrono::DateTime;
use serde_json::{Number, Value};

use crate::decimal::Decimal;

/// The longest watermark, in bytes.
pub const MAX_WATERMARK_BYTES: usize = 1024;

/// The value cannot be a watermark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a number or a text of at most {MAX_WATERMARK_BYTES} bytes")]
pub struct NotAWatermark;

/// A value that rises from run to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatermarkValue {
    /// A number, with all its digits.
    Number(Number),
    /// A text, such as a time.
    Text(String),
}

impl TryFrom<&Value> for WatermarkValue {
    type Error = NotAWatermark;

    fn try_from(value: &Value) -> Result<Self, NotAWatermark> {
        match value {
            Value::Number(number) if number.as_str().len() <= MAX_WATERMARK_BYTES => Ok(Self::Number(number.clone())),
            Value::String(text) if text.len() <= MAX_WATERMARK_BYTES => Ok(Self::Text(text.clone())),
            _ => Err(NotAWatermark),
        }
    }
}

impl From<&WatermarkValue> for Value {
    fn from(value: &WatermarkValue) -> Self {
        match value {
            WatermarkValue::Number(number) => Self::Number(number.clone()),
            WatermarkValue::Text(text) => Self::String(text.clone()),
        }
    }
}

impl WatermarkValue {
    /// Whether it is later than another one. Numbers compare by value, times with an offset as instants, other texts by their
    /// letters; a number and a text do not compare.
    pub(in crate::job) fn is_after(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => Decimal::of(one) > Decimal::of(other),
            (Self::Text(one), Self::Text(other)) => compare_texts(one, other) == Ordering::Greater,
            (Self::Number(_), Self::Text(_)) | (Self::Text(_), Self::Number(_)) => false,
        }
    }
}

/// On the day that clocks are set back, a later time of the same zone is alphabetically the earlier.
fn compare_texts(one: &str, other: &str) -> Ordering {
    let instants = (DateTime::parse_from_rfc3339(one), DateTime::parse_from_rfc3339(other));
    match instants {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

/// The highest value of a field that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The field.
    pub field: String,
    /// The value.
    pub value: WatermarkValue,
}

impl Watermark {
    /// The watermark after a successful run: a job's watermark never moves back by itself. A watermark of another field is of
    /// an earlier configuration and no longer counts; a value that does not compare with the stored one does not move it.
    #[must_use]
    pub fn moved(stored: Option<Self>, reached: Self) -> Self {
        match stored {
            Some(stored) if stored.field == reached.field && !reached.value.is_after(&stored.value) => stored,
            _ => reached,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(field: &str, value: &Value) -> Watermark {
        Watermark {
            field: field.to_owned(),
            value: WatermarkValue::try_from(value).unwrap(),
        }
    }

    fn number(text: &str) -> Value {
        crate::json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_watermark_moves_forward_only() {
        let table = [
            (number("9"), number("10"), true),
            (number("10"), number("9"), false),
            (number("9007199254740993"), number("9007199254740992"), false),
            (number("9007199254740992"), number("9007199254740993"), true),
            (json!("2026-02-04 09:00:00"), json!("2026-02-04 09:00:00.5"), true),
            (json!("2026-02-04"), json!("2026-02-03"), false),
            (json!("2026-10-25T02:30:00+02:00"), json!("2026-10-25T02:15:00+01:00"), true),
            (json!("2026-10-25T02:15:00+01:00"), json!("2026-10-25T02:30:00+02:00"), false),
            (number("5"), json!("6"), false),
        ];
        for (stored, reached, moves) in table {
            let (stored, reached) = (at("id", &stored), at("id", &reached));
            let moved = Watermark::moved(Some(stored.clone()), reached.clone());
            assert_eq!(moved == reached, moves, "{stored:?} {reached:?}");
            assert_eq!(moved == stored, !moves, "{stored:?} {reached:?}");
        }
    }

    #[test]
    fn a_watermark_of_another_field_is_replaced() {
        let reached = at("updated_at", &json!("2026-02-04"));
        assert_eq!(Watermark::moved(Some(at("id", &number("7"))), reached.clone()), reached);
        assert_eq!(Watermark::moved(None, reached.clone()), reached);
    }

    #[test]
    fn a_watermark_is_a_number_or_a_short_text() {
        for value in [json!(null), json!(true), json!([1]), json!({}), json!("x".repeat(1025))] {
            assert_eq!(WatermarkValue::try_from(&value), Err(NotAWatermark), "{value}");
        }
        let digits = number("123456789012345678901234567890.10");
        assert_eq!(Value::from(&WatermarkValue::try_from(&digits).unwrap()), digits);
    }

    proptest! {
        #[test]
        fn a_watermark_never_falls_whatever_runs_reach(reached in proptest::collection::vec(any::<i64>(), 1..20)) {
            let mut stored = None;
            for value in &reached {
                stored = Some(Watermark::moved(stored, at("id", &json!(value))));
            }
            let highest = reached.iter().max().unwrap();
            prop_assert_eq!(stored, Some(at("id", &json!(highest))));
        }
    }
}
