//! Where an incremental job fetches onwards from.

use std::cmp::Ordering;

use serde_json::{Number, Value};
use smol_str::SmolStr;

use crate::fault::Faults;

/// The longest value, in bytes.
const MAX_VALUE_BYTES: usize = 1_024;
/// The longest name of a field, in bytes.
const MAX_FIELD_BYTES: usize = 200;

/// The field of a record by which an incremental job remembers how far it is: `{{job.watermark}}` is the greatest value delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    field: SmolStr,
    initial: String,
}

impl Watermark {
    /// A watermark by the name of a record's field and the value before the first run.
    pub fn new(field: &str, initial: &str) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if field.is_empty() || field.len() > MAX_FIELD_BYTES {
            faults.add("/field", format!("must be the name of a field of the records, of at most {MAX_FIELD_BYTES} bytes"));
        }
        if initial.len() > MAX_VALUE_BYTES {
            faults.add("/initial", format!("must be at most {MAX_VALUE_BYTES} bytes"));
        }
        faults.into_result(Self {
            field: field.into(),
            initial: initial.to_owned(),
        })
    }

    /// The name of the field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The value before the first run.
    pub fn initial(&self) -> &str {
        &self.initial
    }

    /// The greatest value of the field in these records, as text with all of its digits; `None` if no record has one. A text or
    /// number alone can be a watermark: the error names what stands there instead.
    pub fn reached(&self, records: &[Value]) -> Result<Option<String>, String> {
        let mut reached: Option<&Value> = None;
        for record in records {
            let value = record.get(self.field.as_str()).unwrap_or(&Value::Null);
            match value {
                Value::Null => {}
                Value::Number(_) | Value::String(_) => reached = Some(greater(reached, value)),
                Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(format!("the field {} of a record is neither a text nor a number", self.field));
                }
            }
        }
        let reached = reached.map(text_of);
        match reached {
            Some(text) if text.len() > MAX_VALUE_BYTES => {
                Err(format!("the field {} of a record has more than {MAX_VALUE_BYTES} bytes", self.field))
            }
            reached => Ok(reached),
        }
    }
}

/// The greater of two watermarks: by value where both are numbers, otherwise by their bytes, as ISO 8601 times sort.
pub fn greatest(one: String, other: String) -> String {
    if compare(&one, &other) == Ordering::Less { other } else { one }
}

fn greater<'a>(reached: Option<&'a Value>, value: &'a Value) -> &'a Value {
    match reached {
        Some(reached) if compare(&text_of(reached), &text_of(value)) != Ordering::Less => reached,
        _ => value,
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn compare(one: &str, other: &str) -> Ordering {
    match (Decimal::parse(one), Decimal::parse(other)) {
        (Some(first), Some(second)) => first.compare(&second),
        _ => one.cmp(other),
    }
}

/// A decimal number by its digits: a key of twenty digits is no floating-point number.
struct Decimal<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        text.parse::<Number>().ok().filter(|_| !text.contains(['e', 'E']))?;
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        Some(Self {
            is_negative,
            whole: whole.trim_start_matches('0'),
            fraction: fraction.trim_end_matches('0'),
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self.is_negative && !self.is_zero(), other.is_negative && !other.is_zero()) {
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        by_length.then_with(|| self.whole.cmp(other.whole)).then_with(|| self.fraction.cmp(other.fraction))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn reached(values: &[Value]) -> Result<Option<String>, String> {
        let records: Vec<_> = values.iter().map(|value| json!({ "id": value })).collect();
        Watermark::new("id", "0").unwrap().reached(&records)
    }

    #[test]
    fn watermark_is_the_greatest_number_with_all_of_its_digits() {
        let digits: Value = serde_json::from_str("123456789012345678901").unwrap();
        let before: Value = serde_json::from_str("123456789012345678900").unwrap();
        assert_eq!(reached(&[json!(9), digits, before, json!(10)]), Ok(Some("123456789012345678901".to_owned())));
        assert_eq!(reached(&[json!("9"), json!("10"), json!("9.5")]), Ok(Some("10".to_owned())));
        assert_eq!(reached(&[json!(-3), json!(-20)]), Ok(Some("-3".to_owned())));
    }

    #[test]
    fn watermark_of_times_is_the_latest() {
        let times = [json!("2026-02-04T09:00:00Z"), json!("2026-02-05T08:00:00Z"), json!(null)];
        assert_eq!(reached(&times), Ok(Some("2026-02-05T08:00:00Z".to_owned())));
        assert_eq!(reached(&[json!(null)]), Ok(None));
        assert_eq!(reached(&[]), Ok(None));
    }

    #[test]
    fn watermark_refuses_what_has_no_order() {
        for value in [json!(true), json!([1]), json!({})] {
            assert!(reached(&[value]).is_err());
        }
        assert!(reached(&[json!("x".repeat(2_000))]).is_err());
    }

    proptest! {
        #[test]
        fn watermark_orders_numbers_as_numbers(one in any::<i64>(), other in any::<i64>()) {
            prop_assert_eq!(compare(&one.to_string(), &other.to_string()), one.cmp(&other));
        }
    }
}
