//! What is remembered, and under which name.

use std::collections::HashSet;
use std::sync::Arc;

use ig_core::id::{OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide};
use serde_json::Value;

/// What the cache itself and the counters around a value take, roughly, in bytes.
const OVERHEAD: usize = 256;

/// A key as one entity of one organisation asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct EntryKey {
    pub(super) org: OrgId,
    pub(super) entity: Rid,
    pub(super) key: LookupKey,
}

/// An answer of the store.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The generation of its table when the store was asked.
    pub(super) generation: u64,
    /// What the key maps to; nothing is an answer too.
    pub(super) found: Option<Arc<LookupSide>>,
}

impl EntryKey {
    /// Each of the keys once.
    pub(super) fn distinct(org: OrgId, entity: Rid, keys: &[LookupKey]) -> Vec<Self> {
        let mut seen = HashSet::with_capacity(keys.len());
        let distinct = keys.iter().filter(|key| seen.insert(*key)).cloned();
        distinct.map(|key| Self { org, entity, key }).collect()
    }
}

/// About how much memory an entry takes, in bytes.
pub(super) fn weight(key: &EntryKey, entry: &Entry) -> u32 {
    let name = key.key.source_id.len() + key.key.lookup_type.as_str().len();
    let found = entry.found.as_deref().map_or(0, side);
    u32::try_from(OVERHEAD + name + found).unwrap_or(u32::MAX)
}

fn side(side: &LookupSide) -> usize {
    let fields = side.fields.iter();
    side.id.len()
        + fields
            .map(|(key, value)| key.len() + 2 * size_of::<Value>() + taken(value))
            .sum::<usize>()
}

fn taken(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| size_of::<Value>() + taken(item)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, item)| key.len() + 2 * size_of::<Value>() + taken(item))
            .sum(),
    }
}
