//! The field by which an incremental job remembers how far it is.

use serde_json::Value;
use smol_str::SmolStr;

use super::run::{MAX_WATERMARK_BYTES, Watermark, WatermarkValue};
use crate::fault::Faults;

/// The longest name of a field, in bytes.
const MAX_FIELD_BYTES: usize = 200;

/// The field of the fetched records whose greatest value is `{{job.watermark}}` once they are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatermarkField {
    field: SmolStr,
    initial: String,
}

impl WatermarkField {
    /// A field by its name, and the value of `{{job.watermark}}` in the first run.
    pub fn new(field: &str, initial: &str) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if field.is_empty() || field.len() > MAX_FIELD_BYTES {
            let message = format!("must be the name of a field of the records, of at most {MAX_FIELD_BYTES} bytes");
            faults.add("/field", message);
        }
        if initial.len() > MAX_WATERMARK_BYTES {
            faults.add("/initial", format!("must be at most {MAX_WATERMARK_BYTES} bytes"));
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

    /// The value in the first run.
    pub fn initial(&self) -> &str {
        &self.initial
    }

    /// The value of `{{job.watermark}}`, given how far the job has come. A stored watermark of another field no longer counts.
    pub fn value(&self, stored: Option<&Watermark>) -> String {
        let stored = stored.filter(|stored| stored.field == self.field.as_str());
        match stored.map(|stored| &stored.value) {
            None => self.initial.clone(),
            Some(WatermarkValue::Text(text)) => text.clone(),
            Some(WatermarkValue::Number(number)) => number.to_string(),
        }
    }

    /// The greatest value of the field in these records; `None` if no record has one. The error says what stands there instead of a
    /// number or a short text, or that numbers and texts are mixed.
    pub fn reached(&self, records: &[Value]) -> Result<Option<Watermark>, String> {
        let field = &self.field;
        let mut reached: Option<WatermarkValue> = None;
        for value in records
            .iter()
            .filter_map(|record| record.get(field.as_str()))
            .filter(|value| !value.is_null())
        {
            let value = WatermarkValue::try_from(value).map_err(|error| format!("The field {field} of a record {error}."))?;
            if reached.as_ref().is_some_and(|reached| is_mixed(reached, &value)) {
                return Err(format!("The field {field} is a number in some records and a text in others."));
            }
            if reached.as_ref().is_none_or(|reached| value.is_after(reached)) {
                reached = Some(value);
            }
        }
        let field = field.to_string();
        Ok(reached.map(|value| Watermark { field, value }))
    }
}

fn is_mixed(one: &WatermarkValue, other: &WatermarkValue) -> bool {
    let is_number = |value: &WatermarkValue| matches!(value, WatermarkValue::Number(_));
    is_number(one) != is_number(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reached(values: &[Value]) -> Result<Option<String>, String> {
        let field = WatermarkField::new("id", "0").unwrap();
        let records: Vec<_> = values.iter().map(|value| json!({ "id": value })).collect();
        field
            .reached(&records)
            .map(|reached| reached.map(|reached| field.value(Some(&reached))))
    }

    #[test]
    fn watermark_field_reaches_the_greatest_number_with_all_of_its_digits() {
        let digits: Value = crate::json::parse(b"123456789012345678901").unwrap();
        let before: Value = crate::json::parse(b"123456789012345678900").unwrap();
        let greatest = reached(&[json!(9), digits, before, json!(10)]);
        assert_eq!(greatest, Ok(Some("123456789012345678901".to_owned())));
        assert_eq!(reached(&[json!(-3), json!(-20)]), Ok(Some("-3".to_owned())));
    }

    #[test]
    fn watermark_field_reaches_the_latest_time() {
        let times = [json!("2026-02-04T09:00:00Z"), json!("2026-02-05T08:00:00Z"), json!(null)];
        assert_eq!(reached(&times), Ok(Some("2026-02-05T08:00:00Z".to_owned())));
        assert_eq!(reached(&[json!(null)]), Ok(None));
        assert_eq!(reached(&[]), Ok(None));
    }

    #[test]
    fn watermark_field_refuses_what_has_no_order() {
        for value in [json!(true), json!([1]), json!({}), json!("x".repeat(2_000))] {
            assert!(reached(&[value]).is_err());
        }
        assert!(reached(&[json!(1), json!("2")]).unwrap_err().contains("in others"));
    }

    #[test]
    fn watermark_field_begins_at_its_initial_value_and_after_a_change_of_field() {
        let field = WatermarkField::new("id", "41").unwrap();
        assert_eq!(field.value(None), "41");
        let stored = Watermark {
            field: "other".to_owned(),
            value: WatermarkValue::Text("99".to_owned()),
        };
        assert_eq!(field.value(Some(&stored)), "41");
    }
}
