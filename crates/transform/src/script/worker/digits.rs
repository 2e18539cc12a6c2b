//! The digits of a payload's numbers, which JavaScript does not keep: `1.10` and integers beyond 2^53.
//!
//! A script sees doubles. Where one of them stands in what it returns, the payload's own digits for this double are put in its place.

use std::collections::HashMap;

use ig_core::decimal::Decimal;
use serde_json::{Number, Value};

/// Whole numbers up to here are what they were.
const EXACT: f64 = ((1_i64 << 53) - 1) as f64;

/// The numbers of a payload that lose digits, by the double that a script sees.
#[derive(Default)]
pub(super) struct Digits(HashMap<u64, Vec<Carried>>);

/// A number, and where it stands.
struct Carried {
    path: String,
    number: Number,
}

/// Two numbers of a payload that are one to a script, of which it returned one.
#[derive(Debug)]
pub(super) struct Alike {
    pub(super) one: String,
    pub(super) other: String,
}

impl Digits {
    pub(super) fn of(payload: &Value) -> Self {
        if !has_one(payload) {
            return Self::default();
        }
        let mut seen: HashMap<u64, Vec<Carried>> = HashMap::new();
        each(payload, &mut String::new(), &mut |path, number| {
            if let Some(bits) = double(number) {
                let (path, number) = (path.to_owned(), number.clone());
                seen.entry(bits).or_default().push(Carried { path, number });
            }
        });
        seen.retain(|_, alike| alike.iter().any(|carried| loses_digits(&carried.number)));
        Self(seen)
    }

    /// What a script returned, with the payload's digits.
    pub(super) fn restored(&self, returned: String) -> Result<String, Alike> {
        if self.0.is_empty() {
            return Ok(returned);
        }
        let Ok(mut value) = ig_core::json::parse(returned.as_bytes()) else {
            return Ok(returned);
        };
        let mut places: HashMap<u64, Vec<String>> = HashMap::new();
        each(&value, &mut String::new(), &mut |path, number| {
            if let Some(bits) = double(number).filter(|bits| self.0.contains_key(bits)) {
                places.entry(bits).or_default().push(path.to_owned());
            }
        });
        let mut written: HashMap<String, Number> = HashMap::new();
        for (bits, paths) in places {
            written.extend(matched(&self.0[&bits], paths)?);
        }
        rewrite(&mut value, &mut String::new(), &written);
        Ok(value.to_string())
    }
}

/// Which number of the payload belongs in each place: the one that stood there, or under the same name, or else the only one that it can be.
/// A place that any of several equal ones fits stays as it is, and so does a small whole number, which is as likely a count.
fn matched(carried: &[Carried], paths: Vec<String>) -> Result<Vec<(String, Number)>, Alike> {
    let first = &carried[0].number;
    let other = carried.iter().find(|carried| carried.number != *first);
    if let Some(other) = other {
        let stays = |path: &String| carried.iter().any(|carried| carried.path == *path);
        let untouched = paths.len() == carried.len() && paths.iter().all(stays);
        let equal = carried
            .iter()
            .all(|carried| Decimal::of(&carried.number) == Decimal::of(first));
        if !untouched && !equal {
            return Err(Alike {
                one: first.to_string(),
                other: other.number.to_string(),
            });
        }
    }
    let only = Some(first).filter(|first| other.is_none() && !is_small_and_whole(first));
    let place = |path: String| {
        let known = at(carried, &path).or_else(|| under(carried, name(&path)));
        Some((path, known.or(only)?.clone()))
    };
    Ok(paths.into_iter().filter_map(place).collect())
}

fn at<'a>(carried: &'a [Carried], path: &str) -> Option<&'a Number> {
    carried
        .iter()
        .find(|carried| carried.path == path)
        .map(|carried| &carried.number)
}

/// The one number that stands under a name.
fn under<'a>(carried: &'a [Carried], key: &str) -> Option<&'a Number> {
    let mut named = carried
        .iter()
        .filter(|carried| name(&carried.path) == key)
        .map(|carried| &carried.number);
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
        .is_none_or(|double| double.to_string() != number.as_str() || double.abs() > EXACT)
}

fn is_small_and_whole(number: &Number) -> bool {
    number
        .as_f64()
        .is_some_and(|double| double.fract() == 0.0 && double.abs() <= EXACT)
}

/// Whether a number of a value loses digits.
fn has_one(value: &Value) -> bool {
    match value {
        Value::Number(number) => loses_digits(number),
        Value::Array(items) => items.iter().any(has_one),
        Value::Object(fields) => fields.values().any(has_one),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn each(value: &Value, path: &mut String, show: &mut dyn FnMut(&str, &Number)) {
    match value {
        Value::Number(number) => show(path, number),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                below(path, &index.to_string(), |path| each(item, path, show));
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                below(path, key, |path| each(item, path, show));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn rewrite(value: &mut Value, path: &mut String, written: &HashMap<String, Number>) {
    match value {
        Value::Number(number) => {
            if let Some(found) = written.get(path) {
                *number = found.clone();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                below(path, &index.to_string(), |path| rewrite(item, path, written));
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                below(path, key, |path| rewrite(item, path, written));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Does something a step further down, and comes back.
fn below(path: &mut String, step: &str, act: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&step.replace('~', "~0").replace('/', "~1"));
    act(path);
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(payload: &str, returned: &str) -> Result<String, Alike> {
        Digits::of(&serde_json::from_str(payload).unwrap()).restored(returned.to_owned())
    }

    #[test]
    fn what_a_script_only_carries_keeps_its_digits() {
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
            assert_eq!(restored(payload, returned).unwrap(), expected);
        }
    }

    #[test]
    fn of_two_numbers_that_are_one_to_a_script_none_is_taken_for_the_other() {
        let payload = "[9007199254740995,9007199254740996]";
        let alike = restored(payload, "[9007199254740996]").unwrap_err();
        assert_eq!(
            (alike.one.as_str(), alike.other.as_str()),
            ("9007199254740995", "9007199254740996")
        );
    }
}
