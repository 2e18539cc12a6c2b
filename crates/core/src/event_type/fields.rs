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
pub struct Described {
    /// The fields, in their order.
    pub fields: Vec<Field>,
    /// Whether the list is complete; fields too many, too long or too deep are left out.
    pub is_complete: bool,
}

impl Described {
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
pub fn fields_of_sample(sample: &Value) -> Described {
    let mut found = Found::default();
    found.look_into(sample, "", 0);
    found.described()
}

/// The fields of a schema, in its order; `$ref` is followed within the schema.
pub fn fields_of_schema(schema: &Value) -> Described {
    let mut found = Found::default();
    found.read(schema, schema, "", 0);
    found.described()
}

#[derive(Default)]
struct Found {
    fields: Vec<Field>,
    places: HashMap<String, usize>,
    bytes: usize,
    looks: usize,
    is_cut: bool,
}

impl Found {
    fn described(self) -> Described {
        Described {
            fields: self.fields,
            is_complete: !self.is_cut,
        }
    }

    /// Whether one more value may be visited at this path and depth.
    fn may_look(&mut self, path: &str, depth: usize) -> bool {
        self.looks += 1;
        let may = depth <= MAX_DEPTH && path.len() <= MAX_PATH_BYTES && self.looks <= MAX_VISITS;
        self.is_cut |= !may;
        may
    }

    fn note(&mut self, path: &str) -> Option<&mut Field> {
        if let Some(at) = self.places.get(path) {
            return self.fields.get_mut(*at);
        }
        if self.fields.len() >= MAX_FIELDS || !self.has_room(path.len()) {
            self.is_cut = true;
            return None;
        }
        self.places.insert(path.to_owned(), self.fields.len());
        self.fields.push(Field {
            path: path.to_owned(),
            types: BTreeSet::new(),
            is_required: false,
            description: None,
        });
        self.fields.last_mut()
    }

    /// Reserves so many bytes, if there are that many left.
    fn has_room(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= MAX_TOTAL_BYTES;
        if has_room {
            self.bytes += bytes;
        }
        has_room
    }

    fn look_into(&mut self, value: &Value, path: &str, depth: usize) {
        if !self.may_look(path, depth) {
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
                    if self.looks > MAX_VISITS {
                        return;
                    }
                }
            }
            Value::Array(list) => {
                for element in list.iter().take(MAX_ARRAY_ELEMENTS) {
                    self.look_into(element, &format!("{path}[]"), depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn read(&mut self, whole: &Value, schema: &Value, path: &str, depth: usize) {
        let Some(schema) = schema.as_object() else { return };
        if !self.may_look(path, depth) {
            return;
        }
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
            if self.looks > MAX_VISITS {
                return;
            }
            if path.len() <= MAX_PATH_BYTES
                && let Some(field) = self.note(&path)
            {
                field.is_required |= required.contains(key.as_str());
            }
            self.read(whole, property, &path, depth + 1);
        }
    }

    fn describe(&mut self, schema: &Map<String, Value>, path: &str) {
        let Some(field) = self.note(path) else { return };
        match schema.get("type") {
            Some(Value::String(name)) => field.types.extend(type_named(name)),
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str);
                field.types.extend(names.filter_map(type_named));
            }
            _ => {}
        }
        if field.description.is_some() {
            return;
        }
        let said = schema.get("description").or_else(|| schema.get("title"));
        let Some(said) = said.and_then(Value::as_str) else { return };
        let said: String = said.chars().take(MAX_DESCRIPTION_CHARS).collect();
        if !self.has_room(said.len()) {
            self.is_cut = true;
        } else if let Some(field) = self.note(path) {
            field.description = Some(said);
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

/// In paths a backslash escapes the next character. A path that is too long is cut where the cut shows.
fn below(path: &str, key: &str) -> String {
    let mut below = path.to_owned();
    if !path.is_empty() {
        below.push('.');
    }
    for letter in key.chars().take(MAX_PATH_BYTES + 1) {
        if matches!(letter, '.' | '[' | ']' | '\\') {
            below.push('\\');
        }
        below.push(letter);
    }
    below
}

/// JSON Schema has seven types.
fn type_named(name: &str) -> Option<String> {
    let known = ["null", "boolean", "integer", "number", "string", "array", "object"].contains(&name);
    known.then(|| name.to_owned())
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

    fn told(described: &Described) -> Vec<String> {
        let told = described.fields.iter().map(|field| {
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
    fn fields_of_a_sample_have_every_type_seen() {
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

    fn bytes(described: &Described) -> usize {
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
        assert_eq!(told(&fields_of_sample(&sample)), ["after:integer"]);
    }
}
