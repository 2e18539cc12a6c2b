//! Keeps the digits of a payload's numbers, which JavaScript loses: `1.10` and integers beyond 2^53.
//!
//! A script sees doubles. Where it returns one of them, the payload's digits for this double take its place.

use std::collections::HashMap;

use ig_core::decimal::Decimal;
use serde_json::{Number, Value};

/// Doubles hold whole numbers up to this one exactly.
const MAX_EXACT: f64 = ((1_i64 << 53) - 1) as f64;

/// The numbers of a payload that lose digits, by the double that a script sees.
#[derive(Default)]
pub(super) struct NumberDigits(HashMap<u64, Vec<PayloadNumber>>);

/// A number of a payload, and its path.
struct PayloadNumber {
    path: String,
    number: Number,
}

/// Two numbers of a payload that are the same double, which the script returned.
#[derive(Debug)]
pub(super) struct AmbiguousNumbers {
    pub(super) one: String,
    pub(super) other: String,
}

impl NumberDigits {
    pub(super) fn of(payload: &Value) -> Self {
        if !has_lossy_number(payload) {
            return Self::default();
        }
        let mut seen: HashMap<u64, Vec<PayloadNumber>> = HashMap::new();
        for_each_number(payload, &mut String::new(), &mut |path, number| {
            if let Some(bits) = double(number) {
                let (path, number) = (path.to_owned(), number.clone());
                seen.entry(bits).or_default().push(PayloadNumber { path, number });
            }
        });
        seen.retain(|_, numbers| numbers.iter().any(|candidate| loses_digits(&candidate.number)));
        Self(seen)
    }

    /// Restores the payload's digits in what a script returned.
    pub(super) fn restore(&self, returned: String) -> Result<String, AmbiguousNumbers> {
        if self.0.is_empty() {
            return Ok(returned);
        }
        let Ok(mut value) = ig_core::json::parse(returned.as_bytes()) else {
            return Ok(returned);
        };
        let mut paths_by_double: HashMap<u64, Vec<String>> = HashMap::new();
        for_each_number(&value, &mut String::new(), &mut |path, number| {
            if let Some(bits) = double(number).filter(|bits| self.0.contains_key(bits)) {
                paths_by_double.entry(bits).or_default().push(path.to_owned());
            }
        });
        let mut restored: HashMap<String, Number> = HashMap::new();
        for (bits, paths) in paths_by_double {
            restored.extend(match_paths(&self.0[&bits], paths)?);
        }
        rewrite(&mut value, &mut String::new(), &restored);
        Ok(value.to_string())
    }
}

/// The number of the payload for each path: the one at the same path, or under the same name, or else the only candidate. A path that
/// several equal numbers fit stays as it is, and so does a small whole number, which may as well be a count.
fn match_paths(candidates: &[PayloadNumber], paths: Vec<String>) -> Result<Vec<(String, Number)>, AmbiguousNumbers> {
    let first = &candidates[0].number;
    let other = candidates.iter().find(|candidate| candidate.number != *first);
    if let Some(other) = other {
        let stays = |path: &String| candidates.iter().any(|candidate| candidate.path == *path);
        let untouched = paths.len() == candidates.len() && paths.iter().all(stays);
        let equal = candidates
            .iter()
            .all(|candidate| Decimal::of(&candidate.number) == Decimal::of(first));
        if !untouched && !equal {
            return Err(AmbiguousNumbers {
                one: first.to_string(),
                other: other.number.to_string(),
            });
        }
    }
    let only = Some(first).filter(|first| other.is_none() && !is_small_and_whole(first));
    let match_path = |path: String| {
        let known = at_path(candidates, &path).or_else(|| by_name(candidates, name(&path)));
        Some((path, known.or(only)?.clone()))
    };
    Ok(paths.into_iter().filter_map(match_path).collect())
}

fn at_path<'a>(candidates: &'a [PayloadNumber], path: &str) -> Option<&'a Number> {
    candidates
        .iter()
        .find(|candidate| candidate.path == path)
        .map(|candidate| &candidate.number)
}

/// The only number under a name.
fn by_name<'a>(candidates: &'a [PayloadNumber], key: &str) -> Option<&'a Number> {
    let mut named = candidates
        .iter()
        .filter(|candidate| name(&candidate.path) == key)
        .map(|candidate| &candidate.number);
    let first = named.next()?;
    named.all(|number| number == first).then_some(first)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn double(number: &Number) -> Option<u64> {
    number.as_f64().map(f64::to_bits)
}

fn loses_digits(number: &Number) -> bool {
    number
        .as_f64()
        .is_none_or(|double| double.to_string() != number.as_str() || double.abs() > MAX_EXACT)
}

fn is_small_and_whole(number: &Number) -> bool {
    number
        .as_f64()
        .is_some_and(|double| double.fract() == 0.0 && double.abs() <= MAX_EXACT)
}

/// Whether any number of a value loses digits.
fn has_lossy_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => loses_digits(number),
        Value::Array(items) => items.iter().any(has_lossy_number),
        Value::Object(fields) => fields.values().any(has_lossy_number),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn for_each_number(value: &Value, path: &mut String, visit: &mut dyn FnMut(&str, &Number)) {
    match value {
        Value::Number(number) => visit(path, number),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                with_step(path, &index.to_string(), |path| for_each_number(item, path, visit));
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                with_step(path, key, |path| for_each_number(item, path, visit));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn rewrite(value: &mut Value, path: &mut String, restored: &HashMap<String, Number>) {
    match value {
        Value::Number(number) => {
            if let Some(found) = restored.get(path) {
                *number = found.clone();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                with_step(path, &index.to_string(), |path| rewrite(item, path, restored));
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                with_step(path, key, |path| rewrite(item, path, restored));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Calls `act` with the path one step further down.
fn with_step(path: &mut String, step: &str, act: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&step.replace('~', "~0").replace('/', "~1"));
    act(path);
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restore(payload: &str, returned: &str) -> Result<String, AmbiguousNumbers> {
        NumberDigits::of(&serde_json::from_str(payload).unwrap()).restore(returned.to_owned())
    }

    #[test]
    fn numbers_that_a_script_passes_on_keep_their_digits() {
        let table = [
            (
                r#"{"id":123456789012345678901234567890,"price":1.10,"n":2}"#,
                r#"{"sent":{"id":1.2345678901234568e+29},"p":1.1,"n":2.5}"#,
                r#"{"sent":{"id":123456789012345678901234567890},"p":1.10,"n":2.5}"#,
            ),
            (
                r#"{"a":1.10,"b":1.1}"#,
                r#"{"b":1.1,"x":{"a":1.1},"sum":1.1}"#,
                r#"{"b":1.1,"x":{"a":1.10},"sum":1.1}"#,
            ),
            (
                r#"{"total":20.00,"none":0.0}"#,
                r#"{"bill":{"total":20},"none":0,"count":20,"of":0}"#,
                r#"{"bill":{"total":20.00},"none":0.0,"count":20,"of":0}"#,
            ),
            (
                "[9007199254740993,9007199254740992]",
                "[9007199254740992,9007199254740992]",
                "[9007199254740993,9007199254740992]",
            ),
        ];
        for (payload, returned, expected) in table {
            assert_eq!(restore(payload, returned).unwrap(), expected);
        }
    }

    #[test]
    fn two_numbers_of_one_double_are_never_confused() {
        let payload = "[9007199254740995,9007199254740996]";
        let ambiguous = restore(payload, "[9007199254740996]").unwrap_err();
        assert_eq!(
            (ambiguous.one.as_str(), ambiguous.other.as_str()),
            ("9007199254740995", "9007199254740996")
        );
    }
}
