//! Writes filters to JSON.

use serde_json::{Map, Value, json};

use super::{FieldTest, Filter};

pub(super) fn filter(filter: &Filter) -> Value {
    match filter {
        Filter::And(filters) if one_field(filters).is_some() => tests(filters),
        Filter::And(filters) => json!({ "and": all(filters) }),
        Filter::Or(filters) => json!({ "or": all(filters) }),
        Filter::Not(inner) => json!({ "not": inner.to_json() }),
        Filter::Field { .. } => tests(std::slice::from_ref(filter)),
    }
}

pub(super) fn one_field(filters: &[Filter]) -> Option<&str> {
    let [Filter::Field { path, test }, rest @ ..] = filters else {
        return None;
    };
    let mut names = vec![test.name()];
    for filter in rest {
        match filter {
            Filter::Field { path: other, test } if other == path && !names.contains(&test.name()) => names.push(test.name()),
            _ => return None,
        }
    }
    (names.len() > 1).then_some(path)
}

fn all(filters: &[Filter]) -> Vec<Value> {
    filters.iter().map(Filter::to_json).collect()
}

/// Several tests of one field, as one object.
fn tests(filters: &[Filter]) -> Value {
    let mut object = Map::new();
    for filter in filters {
        if let Filter::Field { path, test } = filter {
            object.insert("field".to_owned(), Value::String(path.clone()));
            object.insert(test.name().to_owned(), operand(test));
        }
    }
    Value::Object(object)
}

fn operand(test: &FieldTest) -> Value {
    match test {
        FieldTest::Eq(value)
        | FieldTest::Ne(value)
        | FieldTest::Gt(value)
        | FieldTest::Gte(value)
        | FieldTest::Lt(value)
        | FieldTest::Lte(value)
        | FieldTest::Contains(value) => value.clone(),
        FieldTest::In(values) | FieldTest::Nin(values) => Value::Array(values.clone()),
        FieldTest::Exists(flag) => Value::Bool(*flag),
        FieldTest::StartsWith(text) | FieldTest::Regex(text) => Value::String(text.clone()),
    }
}
