//! The entries of the cache.

use std::collections::HashSet;
use std::sync::Arc;

use ig_core::id::{OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide};
use serde_json::Value;

/// About what the cache and the reference counts add to an entry, in bytes.
const OVERHEAD: usize = 256;

/// A key as one entity of one organisation looks it up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct EntryKey {
    pub(super) org: OrgId,
    pub(super) entity: Rid,
    pub(super) key: LookupKey,
}

/// A result of the store.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The generation of its table when the load began.
    pub(super) generation: u64,
    /// The row of the key; `None` is cached too.
    pub(super) row: Option<Arc<LookupSide>>,
}

impl EntryKey {
    /// The keys without duplicates.
    pub(super) fn distinct(org: OrgId, entity: Rid, keys: &[LookupKey]) -> Vec<Self> {
        let mut seen = HashSet::with_capacity(keys.len());
        let distinct = keys.iter().filter(|key| seen.insert(*key)).cloned();
        distinct.map(|key| Self { org, entity, key }).collect()
    }
}

/// About how much memory an entry takes, in bytes.
pub(super) fn weight(key: &EntryKey, entry: &Entry) -> u32 {
    let name = key.key.source_id.len() + key.key.lookup_type.as_str().len();
    let row = entry.row.as_deref().map_or(0, side_size);
    u32::try_from(OVERHEAD + name + row).unwrap_or(u32::MAX)
}

fn side_size(side: &LookupSide) -> usize {
    let fields = side.fields.iter();
    side.id.len()
        + fields
            .map(|(key, value)| key.len() + 2 * size_of::<Value>() + value_size(value))
            .sum::<usize>()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| size_of::<Value>() + value_size(item)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, item)| key.len() + 2 * size_of::<Value>() + value_size(item))
            .sum(),
    }
}
