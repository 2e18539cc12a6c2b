//! The fields of a kind of event, for those who map them: from its schema, or from a sample where there is none.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Levels of nesting that are looked into.
const DEEPEST: usize = 50;
/// Fields that are told of.
const MOST: usize = 2_000;
/// Elements of a sample's array that are looked at.
const ELEMENTS: usize = 20;

/// One field of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Dotted path as mappings write it; `[]` stands for every element, as in `items[].code`.
    pub path: String,
    /// JSON Schema's names of what it may hold; none when nothing is said about it.
    pub types: BTreeSet<String>,
    /// Whether the schema demands it of the object that it is in.
    pub is_required: bool,
    /// What it means, where the schema says so.
    pub description: Option<String>,
}

/// The fields that a sample shows, in its order.
pub fn fields_of_sample(sample: &Value) -> Vec<Field> {
    let mut found = Found::default();
    found.look_into(sample, "", 0);
    found.0
}

/// The fields that a schema describes, in its order; `$ref` is followed within the schema.
pub fn fields_of_schema(schema: &Value) -> Vec<Field> {
    let mut found = Found::default();
    found.read(schema, schema, "", 0);
    found.0
}

#[derive(Default)]
struct Found(Vec<Field>);

impl Found {
    fn note(&mut self, path: &str) -> Option<&mut Field> {
        if let Some(at) = self.0.iter().position(|field| field.path == path) {
            return self.0.get_mut(at);
        }
        if self.0.len() >= MOST {
            return None;
        }
        self.0.push(Field {
            path: path.to_owned(),
            types: BTreeSet::new(),
            is_required: false,
            description: None,
        });
        self.0.last_mut()
    }

    fn look_into(&mut self, value: &Value, path: &str, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        if !path.is_empty()
            && !path.ends_with("[]")
            && let Some(field) = self.note(path)
        {
            field.types.insert(type_of(value).to_owned());
        }
        match value {
            Value::Object(object) => {
                for (key, value) in object.iter().filter(|(key, _)| can_be_named(key)) {
                    self.look_into(value, &below(path, key), depth + 1);
                }
            }
            Value::Array(list) => {
                for element in list.iter().take(ELEMENTS) {
                    self.look_into(element, &format!("{path}[]"), depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn read(&mut self, whole: &Value, schema: &Value, path: &str, depth: usize) {
        let Some(schema) = schema.as_object().filter(|_| depth <= DEEPEST && self.0.len() < MOST) else {
            return;
        };
        if !path.is_empty() && !path.ends_with("[]") {
            self.describe(schema, path);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|to| target(whole, to)) {
            self.read(whole, target, path, depth + 1);
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            for branch in schema.get(word).and_then(Value::as_array).into_iter().flatten() {
                self.read(whole, branch, path, depth + 1);
            }
        }
        if let Some(items) = schema.get("items") {
            self.read(whole, items, &format!("{path}[]"), depth + 1);
        }
        self.properties(whole, schema, path, depth);
    }

    fn properties(&mut self, whole: &Value, schema: &Map<String, Value>, path: &str, depth: usize) {
        let required = schema.get("required").and_then(Value::as_array);
        let required: BTreeSet<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten().filter(|(key, _)| can_be_named(key)) {
            let path = below(path, key);
            if let Some(field) = self.note(&path) {
                field.is_required |= required.contains(key.as_str());
            }
            self.read(whole, property, &path, depth + 1);
        }
    }

    fn describe(&mut self, schema: &Map<String, Value>, path: &str) {
        let Some(field) = self.note(path) else { return };
        match schema.get("type") {
            Some(Value::String(name)) => field.types.extend([name.clone()]),
            Some(Value::Array(names)) => field.types.extend(names.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
        if field.description.is_none() {
            let said = schema.get("description").or_else(|| schema.get("title"));
            field.description = said.and_then(Value::as_str).map(str::to_owned);
        }
    }
}

fn target<'a>(whole: &'a Value, reference: &str) -> Option<&'a Value> {
    whole.pointer(reference.strip_prefix('#')?)
}

/// A mapping's path has no empty keys.
fn can_be_named(key: &str) -> bool {
    !key.is_empty()
}

/// In paths a backslash takes the next character literally.
fn below(path: &str, key: &str) -> String {
    let mut below = path.to_owned();
    if !path.is_empty() {
        below.push('.');
    }
    for letter in key.chars() {
        if matches!(letter, '.' | '[' | ']' | '\\') {
            below.push('\\');
        }
        below.push(letter);
    }
    below
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(fields: &[Field]) -> Vec<String> {
        let told = fields.iter().map(|field| {
            let types: Vec<_> = field.types.iter().map(String::as_str).collect();
            format!(
                "{}{}:{}",
                field.path,
                if field.is_required { "!" } else { "" },
                types.join("|")
            )
        });
        told.collect()
    }

    #[test]
    fn a_sample_shows_its_fields_with_every_type_seen() {
        let sample = json!({"id": 1, "name": "A", "lines": [{"sku": "x", "n": 1.5}, {"sku": null}], "tags": ["a"], "a.b": 1});
        assert_eq!(
            told(&fields_of_sample(&sample)),
            [
                "id:integer",
                "name:string",
                "lines:array",
                "lines[].sku:null|string",
                "lines[].n:number",
                "tags:array",
                "a\\.b:integer"
            ]
        );
    }

    #[test]
    fn a_schema_describes_its_fields_through_references_and_branches() {
        let schema = json!({
            "type": "object", "required": ["id"],
            "properties": {
                "id": {"type": ["string", "integer"], "description": "The visit"},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
                "where": {"oneOf": [{"properties": {"ward": {"type": "string"}}}, {"properties": {"bed": {}}}]},
            },
            "$defs": {"line": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}},
        });
        let fields = fields_of_schema(&schema);
        assert_eq!(
            told(&fields),
            [
                "id!:integer|string",
                "lines:array",
                "lines[].sku!:string",
                "where:",
                "where.ward:string",
                "where.bed:"
            ]
        );
        assert_eq!(fields[0].description.as_deref(), Some("The visit"));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert!(fields_of_schema(&schema).len() <= MOST);
        assert!(fields_of_schema(&json!({"$ref": "#"})).is_empty());
    }
}
