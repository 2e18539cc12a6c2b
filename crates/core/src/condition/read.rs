//! Reads filters from JSON.

use serde_json::{Map, Value};

use super::{FieldTest, Filter, MAX_FILTER_DEPTH, MAX_FILTER_NODES};
use crate::fault::Faults;

const TESTS: &str = "eq, ne, gt, gte, lt, lte, in, nin, exists, startsWith, contains or regex";

pub(super) fn filter(value: &Value) -> Result<Filter, Faults> {
    let mut reader = Reader::default();
    let read = reader.filter(value, "", 0);
    if reader.nodes > MAX_FILTER_NODES {
        reader.faults.add(
            "",
            format!("must have at most {MAX_FILTER_NODES} tests, and, or and not in all"),
        );
    }
    match read {
        Some(filter) => reader.faults.into_result(filter),
        None => Err(reader.faults),
    }
}

/// Reads on after a fault, so that all are reported; `None` always comes with a fault.
#[derive(Default)]
struct Reader {
    faults: Faults,
    nodes: usize,
}

impl Reader {
    fn filter(&mut self, value: &Value, at: &str, depth: usize) -> Option<Filter> {
        let Some(object) = value.as_object() else {
            return self.fault(at, "must be an object with field, and, or or not");
        };
        if object.contains_key("field") {
            return self.tests(object, at);
        }
        let Some((name, operand)) = object.iter().find(|(name, _)| matches!(name.as_str(), "and" | "or" | "not")) else {
            return self.fault(at, "must have field, and, or or not");
        };
        if depth >= MAX_FILTER_DEPTH {
            return self.fault(at, &format!("must nest at most {MAX_FILTER_DEPTH} levels"));
        }
        self.nodes += 1;
        for other in object.keys().filter(|other| *other != name) {
            self.faults.add(below(at, other), format!("must not stand beside {name}"));
        }
        let at = below(at, name);
        match name.as_str() {
            "and" => self.list(operand, &at, depth).map(Filter::And),
            "or" => self.list(operand, &at, depth).map(Filter::Or),
            _ => self.filter(operand, &at, depth + 1).map(|inner| Filter::Not(Box::new(inner))),
        }
    }

    fn list(&mut self, value: &Value, at: &str, depth: usize) -> Option<Vec<Filter>> {
        let Some(items) = value.as_array() else {
            return self.fault(at, "must be a list of filters");
        };
        let read = items.iter().enumerate();
        let read: Vec<_> = read
            .map(|(index, item)| self.filter(item, &format!("{at}/{index}"), depth + 1))
            .collect();
        read.into_iter().collect()
    }

    /// The tests of one field: a single one by itself, several under `and`.
    fn tests(&mut self, object: &Map<String, Value>, at: &str) -> Option<Filter> {
        let path = match object.get("field") {
            Some(Value::String(path)) if !path.is_empty() => Some(path),
            _ => self.fault(&below(at, "field"), "must be a path, such as patient.age"),
        };
        let named = object.iter().filter(|(name, _)| *name != "field");
        let read: Vec<_> = named
            .map(|(name, operand)| self.test(name, operand, &below(at, name)))
            .collect();
        let tests: Vec<_> = read.into_iter().collect::<Option<_>>()?;
        if tests.is_empty() {
            return self.fault(at, &format!("must have a test: {TESTS}"));
        }
        let path = path?;
        let mut filters: Vec<_> = tests
            .into_iter()
            .map(|test| Filter::Field {
                path: path.clone(),
                test,
            })
            .collect();
        if filters.len() > 1 {
            self.nodes += 1;
            return Some(Filter::And(filters));
        }
        filters.pop()
    }

    fn test(&mut self, name: &str, operand: &Value, at: &str) -> Option<FieldTest> {
        self.nodes += 1;
        let value = || operand.clone();
        Some(match name {
            "eq" => FieldTest::Eq(value()),
            "ne" => FieldTest::Ne(value()),
            "gt" => FieldTest::Gt(self.comparable(operand, at)?),
            "gte" => FieldTest::Gte(self.comparable(operand, at)?),
            "lt" => FieldTest::Lt(self.comparable(operand, at)?),
            "lte" => FieldTest::Lte(self.comparable(operand, at)?),
            "in" => FieldTest::In(self.values(operand, at)?),
            "nin" => FieldTest::Nin(self.values(operand, at)?),
            "exists" => FieldTest::Exists(self.flag(operand, at)?),
            "startsWith" => FieldTest::StartsWith(self.text(operand, at)?),
            "contains" => FieldTest::Contains(value()),
            "regex" => FieldTest::Regex(self.text(operand, at)?),
            _ => return self.fault(at, &format!("is not a test: use {TESTS}")),
        })
    }

    fn comparable(&mut self, operand: &Value, at: &str) -> Option<Value> {
        if operand.is_number() || operand.is_string() {
            return Some(operand.clone());
        }
        self.fault(at, "must be a number or a text")
    }

    fn values(&mut self, operand: &Value, at: &str) -> Option<Vec<Value>> {
        let values = operand.as_array().cloned();
        values.or_else(|| self.fault(at, "must be a list of values"))
    }

    fn flag(&mut self, operand: &Value, at: &str) -> Option<bool> {
        operand.as_bool().or_else(|| self.fault(at, "must be true or false"))
    }

    fn text(&mut self, operand: &Value, at: &str) -> Option<String> {
        let text = operand.as_str().map(str::to_owned);
        text.or_else(|| self.fault(at, "must be a text"))
    }

    fn fault<T>(&mut self, at: &str, message: &str) -> Option<T> {
        self.faults.add(at, message);
        None
    }
}

/// The JSON pointer to a key below `at` (RFC 6901).
fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}
