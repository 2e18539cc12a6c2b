//! Checks the merged tree against its schema: the serialized defaults.

use std::collections::BTreeMap;

use config::{ConfigError, Value, ValueKind};
use serde::Serialize;
use serde_json::Value as Json;

use super::ConfigFaults;

/// The schema of a configuration: its serialized defaults.
///
/// It does not know the keys below an absent option or an empty map; serde checks those.
#[derive(Debug, Clone)]
pub(super) struct Schema(Json);

impl Schema {
    pub(super) fn is_list(&self, path: &str) -> bool {
        let found = path.split('.').try_fold(&self.0, |node, key| node.get(key));
        found.is_some_and(Json::is_array)
    }
}

pub(super) fn schema_of<T: Serialize>(defaults: &T) -> Result<Schema, ConfigFaults> {
    serde_json::to_value(defaults).map(Schema).map_err(|error| {
        let mut faults = ConfigFaults::default();
        faults.add(
            "",
            format!("the defaults cannot be serialized: {error}"),
            "this is a fault of the program",
        );
        faults
    })
}

/// The origin of each value, by dotted path.
pub(super) fn origins(tree: &Value) -> BTreeMap<String, String> {
    let named = leaves(tree)
        .into_iter()
        .filter_map(|(path, leaf)| Some((path, leaf.origin()?.to_owned())));
    named.collect()
}

/// Every value that is not a table, by dotted path.
pub(super) fn leaves(tree: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect_leaves("", tree, &mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn collect_leaves(path: &str, node: &Value, found: &mut Vec<(String, Value)>) {
    let ValueKind::Table(table) = &node.kind else {
        found.push((path.to_owned(), node.clone()));
        return;
    };
    for (key, value) in table {
        collect_leaves(&join_path(path, key), value, found);
    }
}

fn join_path(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Keeps the part of the tree that this process uses; an unknown key becomes a fault.
pub(super) fn retain_used(tree: Value, schema: &Schema, known_sections: &[&str], faults: &mut ConfigFaults) -> Value {
    let mut table = tree.into_table().unwrap_or_default();
    table.retain(|key, _| schema.0.get(key).is_some() || !known_sections.contains(&key.as_str()));
    let used = Value::new(None, ValueKind::Table(table));
    retain_known("", used, &schema.0, faults)
}

fn retain_known(path: &str, node: Value, schema: &Json, faults: &mut ConfigFaults) -> Value {
    let origin = node.origin().map(ToOwned::to_owned);
    match (node.kind, schema) {
        (ValueKind::Table(table), Json::Object(known)) if !known.is_empty() => {
            let retained = table.into_iter().filter_map(|(key, value)| {
                let path = join_path(path, &key);
                if let Some(schema) = known.get(&key) {
                    return Some((key, retain_known(&path, value, schema, faults)));
                }
                add_unknown_key(&path, &value, known.keys(), faults);
                None
            });
            Value::new(origin.as_ref(), ValueKind::Table(retained.collect()))
        }
        (kind, _) => Value::new(origin.as_ref(), kind),
    }
}

fn add_unknown_key<'a>(path: &str, value: &Value, known: impl Iterator<Item = &'a String>, faults: &mut ConfigFaults) {
    let known: Vec<_> = known.map(String::as_str).collect();
    let fix = format!("remove it or use one of: {}", known.join(", "));
    if !matches!(value.kind, ValueKind::Table(_)) {
        return faults.add(path, "is unknown", fix);
    }
    for (leaf, _) in leaves(value) {
        faults.add(&join_path(path, &leaf), format!("`{path}` is unknown"), fix.clone());
    }
}

/// The error's message without the key and origin, which the fault reports beside it.
pub(super) fn cause(error: &ConfigError) -> String {
    if let ConfigError::At { error, .. } = error {
        return cause(error);
    }
    if let ConfigError::Type {
        unexpected, expected, ..
    } = error
    {
        return format!("is {unexpected}, expected {expected}");
    }
    error.to_string()
}
