//! Comparing JSON values.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Beyond this every float is whole and larger than every integer that JSON values hold.
const BEYOND_INTEGERS: f64 = 1e30;

/// Whether two values are equal: numbers by their value, objects whatever the order of their keys.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => numbers(one, other) == Some(Ordering::Equal),
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
        (Value::Number(one), Value::Number(other)) => numbers(one, other),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Exact: a large integer is not rounded to be compared with a float.
fn numbers(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        (Some(one), None) => integer_and_float(one, other.as_f64()?),
        (None, Some(other)) => integer_and_float(other, one.as_f64()?).map(Ordering::reverse),
        (None, None) => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn integer_and_float(integer: i128, float: f64) -> Option<Ordering> {
    if float.abs() >= BEYOND_INTEGERS {
        return 0.0.partial_cmp(&float);
    }
    let whole = float.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the range of i128")]
    let order = integer.cmp(&(whole as i128));
    match order {
        Ordering::Equal => whole.partial_cmp(&float),
        unequal => Some(unequal),
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
    fn equality_looks_inside_and_kinds_do_not_mix() {
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
