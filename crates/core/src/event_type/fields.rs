//! The fields of an event type, for authors of mappings: from its schema, or from a sample where there is none.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

/// The deepest level of nesting that is visited.
const MAX_DEPTH: usize = 50;
/// The most fields that are listed.
const MAX_FIELDS: usize = 2_000;
/// The most elements of a sample's array that are visited.
const MAX_ARRAY_ELEMENTS: usize = 20;
/// The longest path in bytes; deeper fields are left out.
const MAX_PATH_BYTES: usize = 500;
/// The most bytes of all paths and descriptions.
const MAX_TOTAL_BYTES: usize = 128 * 1024;
/// The longest description in characters.
const MAX_DESCRIPTION_CHARS: usize = 500;
/// The most values or schemas that are visited: a few that are referenced again and again become many.
const MAX_VISITS: usize = 20_000;

/// What is known of a payload's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFields {
    /// The fields, in their order.
    pub fields: Vec<Field>,
    /// Whether the list is complete; fields too many, too long or too deep are left out.
    pub is_complete: bool,
}

impl PayloadFields {
    /// The description of a payload of which nothing is known.
    pub fn nothing() -> Self {
        Self {
            fields: Vec::new(),
            is_complete: true,
        }
    }
}

/// One field of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Dotted path as mappings write it; `[]` stands for every element, as in `items[].code`.
    pub path: String,
    /// The JSON Schema types that it may have; empty when unknown.
    pub types: BTreeSet<String>,
    /// Whether the schema requires it in its object.
    pub is_required: bool,
    /// Its meaning, if the schema describes it.
    pub description: Option<String>,
}

/// The fields of a sample, in its order.
pub fn fields_of_sample(sample: &Value) -> PayloadFields {
    let mut collector = FieldCollector::default();
    collector.visit_value(sample, "", 0);
    collector.into_fields()
}

/// The fields of a schema, in its order; `$ref` is followed within the schema.
pub fn fields_of_schema(schema: &Value) -> PayloadFields {
    let mut collector = FieldCollector::default();
    collector.visit_schema(schema, schema, "", 0);
    collector.into_fields()
}

#[derive(Default)]
struct FieldCollector {
    fields: Vec<Field>,
    index_by_path: HashMap<String, usize>,
    bytes: usize,
    visits: usize,
    is_truncated: bool,
}

impl FieldCollector {
    fn into_fields(self) -> PayloadFields {
        PayloadFields {
            fields: self.fields,
            is_complete: !self.is_truncated,
        }
    }

    /// Whether one more value may be visited at this path and depth.
    fn may_visit(&mut self, path: &str, depth: usize) -> bool {
        self.visits += 1;
        let may = depth <= MAX_DEPTH && path.len() <= MAX_PATH_BYTES && self.visits <= MAX_VISITS;
        self.is_truncated |= !may;
        may
    }

    fn field_at(&mut self, path: &str) -> Option<&mut Field> {
        if let Some(at) = self.index_by_path.get(path) {
            return self.fields.get_mut(*at);
        }
        if self.fields.len() >= MAX_FIELDS || !self.reserve_bytes(path.len()) {
            self.is_truncated = true;
            return None;
        }
        self.index_by_path.insert(path.to_owned(), self.fields.len());
        self.fields.push(Field {
            path: path.to_owned(),
            types: BTreeSet::new(),
            is_required: false,
            description: None,
        });
        self.fields.last_mut()
    }

    /// Reserves so many bytes, if there are that many left.
    fn reserve_bytes(&mut self, bytes: usize) -> bool {
        let fits = self.bytes + bytes <= MAX_TOTAL_BYTES;
        if fits {
            self.bytes += bytes;
        }
        fits
    }

    fn visit_value(&mut self, value: &Value, path: &str, depth: usize) {
        if !self.may_visit(path, depth) {
            return;
        }
        if !path.is_empty()
            && !path.ends_with("[]")
            && let Some(field) = self.field_at(path)
        {
            field.types.insert(json_type(value).to_owned());
        }
        match value {
            Value::Object(object) => {
                for (key, value) in object.iter().filter(|(key, _)| is_nameable(key)) {
                    self.visit_value(value, &child_path(path, key), depth + 1);
                    if self.visits > MAX_VISITS {
                        return;
                    }
                }
            }
            Value::Array(list) => {
                for element in list.iter().take(MAX_ARRAY_ELEMENTS) {
                    self.visit_value(element, &format!("{path}[]"), depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn visit_schema(&mut self, root: &Value, schema: &Value, path: &str, depth: usize) {
        let Some(schema) = schema.as_object() else { return };
        if !self.may_visit(path, depth) {
            return;
        }
        if !path.is_empty() && !path.ends_with("[]") {
            self.describe_field(schema, path);
        }
        if let Some(target) = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|to| resolve_reference(root, to))
        {
            self.visit_schema(root, target, path, depth + 1);
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            for branch in schema.get(word).and_then(Value::as_array).into_iter().flatten() {
                self.visit_schema(root, branch, path, depth + 1);
            }
        }
        if let Some(items) = schema.get("items") {
            self.visit_schema(root, items, &format!("{path}[]"), depth + 1);
        }
        self.visit_properties(root, schema, path, depth);
    }

    fn visit_properties(&mut self, root: &Value, schema: &Map<String, Value>, path: &str, depth: usize) {
        let required = schema.get("required").and_then(Value::as_array);
        let required: BTreeSet<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten().filter(|(key, _)| is_nameable(key)) {
            let path = child_path(path, key);
            if self.visits > MAX_VISITS {
                return;
            }
            if path.len() <= MAX_PATH_BYTES
                && let Some(field) = self.field_at(&path)
            {
                field.is_required |= required.contains(key.as_str());
            }
            self.visit_schema(root, property, &path, depth + 1);
        }
    }

    fn describe_field(&mut self, schema: &Map<String, Value>, path: &str) {
        let Some(field) = self.field_at(path) else { return };
        match schema.get("type") {
            Some(Value::String(name)) => field.types.extend(known_type(name)),
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str);
                field.types.extend(names.filter_map(known_type));
            }
            _ => {}
        }
        if field.description.is_some() {
            return;
        }
        let description = schema.get("description").or_else(|| schema.get("title"));
        let Some(description) = description.and_then(Value::as_str) else {
            return;
        };
        let description: String = description.chars().take(MAX_DESCRIPTION_CHARS).collect();
        if !self.reserve_bytes(description.len()) {
            self.is_truncated = true;
        } else if let Some(field) = self.field_at(path) {
            field.description = Some(description);
        }
    }
}

fn resolve_reference<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

/// A mapping's path has no empty keys.
fn is_nameable(key: &str) -> bool {
    !key.is_empty()
}

/// In paths a backslash escapes the next character. A path that is too long is cut where the cut shows.
fn child_path(path: &str, key: &str) -> String {
    let mut child = path.to_owned();
    if !path.is_empty() {
        child.push('.');
    }
    for letter in key.chars().take(MAX_PATH_BYTES + 1) {
        if matches!(letter, '.' | '[' | ']' | '\\') {
            child.push('\\');
        }
        child.push(letter);
    }
    child
}

/// JSON Schema has seven types.
fn known_type(name: &str) -> Option<String> {
    let known = ["null", "boolean", "integer", "number", "string", "array", "object"].contains(&name);
    known.then(|| name.to_owned())
}

fn json_type(value: &Value) -> &'static str {
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

    fn summaries(described: &PayloadFields) -> Vec<String> {
        let summaries = described.fields.iter().map(|field| {
            let types: Vec<_> = field.types.iter().map(String::as_str).collect();
            format!(
                "{}{}:{}",
                field.path,
                if field.is_required { "!" } else { "" },
                types.join("|")
            )
        });
        summaries.collect()
    }

    #[test]
    fn fields_of_a_sample_have_every_type_seen() {
        let sample = json!({"id": 1, "name": "A", "lines": [{"sku": "x", "n": 1.5}, {"sku": null}], "tags": ["a"], "a.b": 1});
        assert_eq!(
            summaries(&fields_of_sample(&sample)),
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
    fn fields_of_a_schema_are_found_through_references_and_branches() {
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
            summaries(&fields),
            [
                "id!:integer|string",
                "lines:array",
                "lines[].sku!:string",
                "where:",
                "where.ward:string",
                "where.bed:"
            ]
        );
        assert_eq!(fields.fields[0].description.as_deref(), Some("The visit"));
    }

    #[test]
    fn fields_of_a_recursive_schema_are_finite() {
        let schema = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert!(fields_of_schema(&schema).fields.len() <= MAX_FIELDS);
        assert!(fields_of_schema(&json!({"$ref": "#"})).fields.is_empty());
        let twice = json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"properties": {"a": {}}}]});
        assert!(!fields_of_schema(&twice).is_complete, "it ends early instead of never");
    }

    fn bytes(described: &PayloadFields) -> usize {
        let of = |field: &Field| field.path.len() + field.description.as_deref().map_or(0, str::len);
        described.fields.iter().map(of).sum()
    }

    #[test]
    fn fields_below_a_long_key_do_not_multiply_it() {
        let children: Map<_, _> = (0..2_000).map(|number| (format!("c{number}"), json!(1))).collect();
        for key in ["k".repeat(100_000), "k".repeat(400)] {
            let sample = json!({key.clone(): children, "after": 1});
            let described = fields_of_sample(&sample);
            assert!(bytes(&described) <= MAX_TOTAL_BYTES, "{}", bytes(&described));
            assert!(!described.is_complete);
            let properties: Map<_, _> = children
                .keys()
                .map(|name| (name.clone(), json!({"$ref": "#/$defs/c"})))
                .collect();
            let schema = json!({
                "properties": {key: {"properties": properties}},
                "$defs": {"c": {"type": "integer", "description": "d".repeat(100_000)}},
            });
            let described = fields_of_schema(&schema);
            assert!(bytes(&described) <= MAX_TOTAL_BYTES, "{}", bytes(&described));
            assert!(!described.is_complete);
        }
        let sample = json!({"k".repeat(100_000): {"inside": 1}, "after": 1});
        assert_eq!(summaries(&fields_of_sample(&sample)), ["after:integer"]);
    }
}
