//! Comparison of JSON values.

use std::cmp::Ordering;

use ig_core::decimal::Decimal;
use serde_json::{Number, Value};

/// Whether two values are equal: numbers by value, objects in any order of keys.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => compare_numbers(one, other) == Ordering::Equal,
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| equal(one, other));
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

/// The order of two numbers or of two texts.
pub(super) fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Some(compare_numbers(one, other)),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// The exact order of two numbers of any length.
fn compare_numbers(one: &Number, other: &Number) -> Ordering {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => Decimal::of(one).cmp(&Decimal::of(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_compare_by_value_and_exactly() {
        let table = [
            (json!(1), json!(1.0), Ordering::Equal),
            (json!(1), json!(1.5), Ordering::Less),
            (json!(-1), json!(-1.5), Ordering::Greater),
            (
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_992.0),
                Ordering::Greater,
            ),
            (json!(u64::MAX), json!(1.8e19), Ordering::Greater),
            (json!(u64::MAX), json!(1e300), Ordering::Less),
            (json!(0), json!(-1e300), Ordering::Greater),
            (json!(-1), json!(u64::MAX), Ordering::Less),
        ];
        for (one, other, expected) in table {
            assert_eq!(order(&one, &other), Some(expected), "{one} and {other}");
            assert_eq!(order(&other, &one), Some(expected.reverse()), "{other} and {one}");
        }
    }

    #[test]
    fn equality_is_deep_and_never_holds_between_types() {
        assert!(equal(
            &json!({"a": [1, {"b": 2.0}], "c": null}),
            &json!({"c": null, "a": [1.0, {"b": 2}]})
        ));
        for (one, other) in [
            (json!(1), json!("1")),
            (json!(null), json!(false)),
            (json!([1]), json!([1, 2])),
        ] {
            assert!(!equal(&one, &other), "{one} and {other}");
            assert_eq!(order(&one, &other), None);
        }
    }
}
