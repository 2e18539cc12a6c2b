//! Filling variables into the texts of a pipeline.
//!
//! Values come from outside of the pipeline, so none of them may become a part of the pipeline's program: names of fields
//! are never filled, a value is one text or number, and a text that begins with `$` is refused, because an expression
//! would read it as a path or as a variable.

use serde_json::{Map, Value};

use crate::fault::{Faults, InputPath};
use crate::integration::MAX_DEPTH;
use crate::job::variable::{TextPart, Variable, VariableText};

/// Names in extended JSON whose content is text, even where it is a number.
const TYPED_TEXTS: [&str; 8] = [
    "$oid",
    "$date",
    "$uuid",
    "$symbol",
    "$numberInt",
    "$numberLong",
    "$numberDouble",
    "$numberDecimal",
];

/// A value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilledValue {
    /// A text. A date is a text too; `{"$date": "{{date.todayStart()}}"}` makes it a date of MongoDB.
    Text(String),
    /// An integer.
    Integer(i64),
}

impl FilledValue {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Integer(number) => number.to_string(),
        }
    }

    fn into_json(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Integer(number) => number.into(),
        }
    }
}

/// Replaces the variables in all texts of a value: a text that is one variable becomes its value, and in a longer text the
/// value is a part of it. Faults of `lookup` are reported at the text.
pub fn fill(value: &Value, lookup: &mut dyn FnMut(&Variable) -> Result<FilledValue, Faults>) -> Result<Value, Faults> {
    let mut filler = Filler {
        lookup,
        faults: Faults::default(),
    };
    let filled = filler.value(value, Place::Value, &InputPath::new(""), 0);
    filler.faults.into_result(filled)
}

/// What a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A value of the pipeline.
    Value,
    /// The content of a value in extended JSON.
    TypedText,
}

struct Filler<'a> {
    lookup: &'a mut dyn FnMut(&Variable) -> Result<FilledValue, Faults>,
    faults: Faults,
}

impl Filler<'_> {
    fn value(&mut self, value: &Value, place: Place, path: &InputPath<'_>, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            self.faults.add_at(path, format!("must not nest deeper than {MAX_DEPTH}"));
            return Value::Null;
        }
        match value {
            Value::String(text) => self.text(text, place, path),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(at, item)| self.value(item, Place::Value, &path.at(at), depth + 1))
                    .collect()
            }
            Value::Object(fields) => Value::Object(self.fields(fields, path, depth)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn fields(&mut self, fields: &Map<String, Value>, path: &InputPath<'_>, depth: usize) -> Map<String, Value> {
        let filled = fields.iter().map(|(name, value)| {
            let is_typed = TYPED_TEXTS.contains(&name.as_str());
            let place = if is_typed { Place::TypedText } else { Place::Value };
            (name.clone(), self.value(value, place, &path.field(name), depth + 1))
        });
        filled.collect()
    }

    fn text(&mut self, text: &str, place: Place, path: &InputPath<'_>) -> Value {
        match self.filled(text, place) {
            Ok(filled) => filled,
            Err(faults) => {
                self.faults.add_below(&path.to_string(), faults);
                Value::Null
            }
        }
    }

    fn filled(&mut self, text: &str, place: Place) -> Result<Value, Faults> {
        let template: VariableText = text.parse()?;
        let filled = match (template.parts(), place) {
            ([TextPart::Variable(variable)], Place::Value) => (self.lookup)(variable)?.into_json(),
            _ => template
                .filled(|variable| (self.lookup)(variable).map(FilledValue::into_text))?
                .into(),
        };
        match (&filled, template.parts().first()) {
            (Value::String(text), Some(TextPart::Variable(_))) if text.starts_with('$') => Err(Faults::single(
                "",
                "must not become a text that begins with $, which MongoDB would read as a path",
            )),
            _ => Ok(filled),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values(variable: &Variable) -> Result<FilledValue, Faults> {
        match variable {
            Variable::TenantId => Ok(FilledValue::Integer(42)),
            Variable::TodayStart => Ok(FilledValue::Text("2026-02-04T00:00:00+05:30".to_owned())),
            Variable::Env(name) if name == "HOSTILE" => Ok(FilledValue::Text("$$ROOT".to_owned())),
            Variable::Env(name) if name == "JSON" => Ok(FilledValue::Text("{\"$where\": \"1\"}".to_owned())),
            _ => Err(Faults::single("", "is not set")),
        }
    }

    fn filled(value: &Value) -> Result<Value, Vec<String>> {
        let places = |faults: Faults| faults.list().iter().map(|fault| fault.pointer.clone()).collect();
        fill(value, &mut values).map_err(places)
    }

    #[test]
    fn filling_replaces_a_lone_variable_by_its_value_and_splices_the_others() {
        let stage = json!({"$match": {"tenantId": "{{ config.tenantId }}", "name": "unit {{config.tenantId}}!", "n": 1}});
        let expected = json!({"$match": {"tenantId": 42, "name": "unit 42!", "n": 1}});
        assert_eq!(filled(&stage), Ok(expected));
    }

    #[test]
    fn filling_keeps_text_inside_extended_json() {
        let stage = json!({"at": {"$date": "{{date.todayStart()}}"}, "n": {"$numberLong": "{{config.tenantId}}"}});
        let expected = json!({"at": {"$date": "2026-02-04T00:00:00+05:30"}, "n": {"$numberLong": "42"}});
        assert_eq!(filled(&stage), Ok(expected));
    }

    #[test]
    fn filling_leaves_names_of_fields() {
        let stage = json!({"{{config.tenantId}}": [{"{{env.HOSTILE}}": 1}]});
        assert_eq!(filled(&stage), Ok(stage));
    }

    #[test]
    fn filled_value_cannot_become_an_operator_or_a_path() {
        assert_eq!(
            filled(&json!({"$match": "{{env.JSON}}"})),
            Ok(json!({"$match": "{\"$where\": \"1\"}"}))
        );
        for text in ["{{env.HOSTILE}}", "{{env.HOSTILE}}.name"] {
            assert_eq!(
                filled(&json!({"$project": {"x": [text]}})),
                Err(vec!["/$project/x/0".to_owned()])
            );
        }
        assert_eq!(filled(&json!("is {{env.HOSTILE}}")), Ok(json!("is $$ROOT")));
    }

    #[test]
    fn faults_of_filling_are_reported_by_place() {
        let stage = json!({"a": "{{env.MISSING}}", "b": ["{{nonsense}}"]});
        assert_eq!(filled(&stage), Err(vec!["/a".to_owned(), "/b/0".to_owned()]));
    }

    proptest! {
        #[test]
        fn filled_text_stays_one_text(value in "\\PC*") {
            let stage = json!({"$match": {"a": "{{env.A}}", "b": "x{{env.A}}"}});
            let found = fill(&stage, &mut |_| Ok(FilledValue::Text(value.clone())));
            match found {
                Ok(found) => prop_assert_eq!(found, json!({"$match": {"a": value, "b": format!("x{value}")}})),
                Err(_) => prop_assert!(value.starts_with('$')),
            }
        }
    }
}
