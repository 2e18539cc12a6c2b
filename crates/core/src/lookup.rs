//! Lookup rows: what a value of one system is called in another.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::id::{LookupId, LookupType, OrgId, Rid};

mod draft;
mod import;

pub use draft::{LONGEST_FIELDS, LONGEST_ID, LONGEST_TYPE, LookupDraft, MOST_FIELDS, lookup_type};
pub use import::{ImportMode, ImportStatus};

/// One side of a row: its identifier, and whatever else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupSide {
    /// The value itself, as text; a number in a payload is found by its decimal form.
    pub id: String,
    /// Further fields, such as `key` or `name`.
    pub fields: Map<String, Value>,
}

/// One row: the source's value and what it is called at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupRow {
    /// Its identifier.
    pub id: LookupId,
    /// The tenant.
    pub org_id: OrgId,
    /// The unit whose row it is; the organisation's where absent. A unit's row wins.
    pub tenant_id: Option<Rid>,
    /// Which table it belongs to, such as `DEPARTMENT`.
    pub lookup_type: LookupType,
    /// The value as payloads have it.
    pub source: LookupSide,
    /// What it is called at the other end.
    pub target: LookupSide,
    /// Whether it takes part in resolving.
    pub is_active: bool,
    /// Rises with every change of the row.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which rows belong together: those of one type that are the organisation's own, or one unit's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupTable {
    /// The type.
    pub lookup_type: LookupType,
    /// The unit; the organisation itself where absent.
    pub tenant_id: Option<Rid>,
}

/// What is looked up: a value within a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupKey {
    /// The table.
    pub lookup_type: LookupType,
    /// The value as text.
    pub source_id: String,
}

/// What was found; a key that no active row maps is not in it.
pub type Resolved = HashMap<LookupKey, Arc<LookupSide>>;

impl LookupRow {
    /// The table that it belongs to.
    pub fn table(&self) -> LookupTable {
        LookupTable {
            lookup_type: self.lookup_type.clone(),
            tenant_id: self.tenant_id,
        }
    }
}

impl LookupKey {
    /// The key of a value in a payload: a text trimmed, a number in decimal, a boolean as its word; nothing else can be looked up.
    pub fn of(lookup_type: &LookupType, value: &Value) -> Option<Self> {
        let source_id = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (!source_id.is_empty()).then(|| Self {
            lookup_type: lookup_type.clone(),
            source_id,
        })
    }
}

impl LookupSide {
    /// One of its fields; `id` is the identifier.
    pub fn field(&self, name: &str) -> Option<Value> {
        match name {
            "id" => Some(Value::String(self.id.clone())),
            name => self.fields.get(name).cloned(),
        }
    }

    /// The whole side as one object, the identifier first.
    pub fn to_object(&self) -> Value {
        let mut object = Map::new();
        object.insert("id".to_owned(), Value::String(self.id.clone()));
        object.extend(self.fields.clone());
        Value::Object(object)
    }
}
