//! The merged tree held against the serialized defaults, which are its schema.

use std::collections::BTreeMap;

use config::{ConfigError, Value, ValueKind};
use serde::Serialize;
use serde_json::Value as Json;

use super::ConfigFaults;

/// The shape of a configuration: its defaults, serialized.
///
/// An absent option and an empty map say nothing of what is below them, so anything is let through to serde there.
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

/// Where each key at each depth was set.
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
        collect_leaves(&below(path, key), value, found);
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The part of the tree that this process uses; what nobody knows becomes a fault.
pub(super) fn retain_used(tree: Value, schema: &Schema, others: &[&str], faults: &mut ConfigFaults) -> Value {
    let mut table = tree.into_table().unwrap_or_default();
    table.retain(|key, _| schema.0.get(key).is_some() || !others.contains(&key.as_str()));
    let used = Value::new(None, ValueKind::Table(table));
    retain_known("", used, &schema.0, faults)
}

fn retain_known(path: &str, node: Value, schema: &Json, faults: &mut ConfigFaults) -> Value {
    let origin = node.origin().map(ToOwned::to_owned);
    match (node.kind, schema) {
        (ValueKind::Table(table), Json::Object(known)) if !known.is_empty() => {
            let kept = table.into_iter().filter_map(|(key, value)| {
                let path = below(path, &key);
                if let Some(schema) = known.get(&key) {
                    return Some((key, retain_known(&path, value, schema, faults)));
                }
                unknown(&path, &value, known.keys(), faults);
                None
            });
            Value::new(origin.as_ref(), ValueKind::Table(kept.collect()))
        }
        (kind, _) => Value::new(origin.as_ref(), kind),
    }
}

fn unknown<'a>(path: &str, value: &Value, known: impl Iterator<Item = &'a String>, faults: &mut ConfigFaults) {
    let known: Vec<_> = known.map(String::as_str).collect();
    let fix = format!("remove it or use one of: {}", known.join(", "));
    if !matches!(value.kind, ValueKind::Table(_)) {
        return faults.add(path, "is unknown", fix);
    }
    for (leaf, _) in leaves(value) {
        faults.add(&below(path, &leaf), format!("`{path}` is unknown"), fix.clone());
    }
}

/// What an error says of the value itself, without the place that is told beside it.
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
