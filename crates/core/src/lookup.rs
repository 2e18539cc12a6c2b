//! Lookup rows: they map a value of one system to its counterpart in another.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::id::{LookupId, LookupType, OrgId, Rid};

mod draft;
mod import;

pub use draft::{LookupDraft, MAX_FIELDS, MAX_FIELDS_BYTES, MAX_ID_CHARS, MAX_TYPE_CHARS, parse_lookup_type};
pub use import::{ImportMode, ImportStatus};

/// One side of a row: its identifier, and further fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupSide {
    /// The value itself, as text; a number in a payload is found by its decimal form.
    pub id: String,
    /// Further fields, such as `key` or `name`.
    pub fields: Map<String, Value>,
}

/// A row: the source's value and its counterpart at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupRow {
    /// Its identifier.
    pub id: LookupId,
    /// The tenant.
    pub org_id: OrgId,
    /// The unit that owns the row; `None` means the organisation. A unit's row takes precedence.
    pub tenant_id: Option<Rid>,
    /// The table that it belongs to, such as `DEPARTMENT`.
    pub lookup_type: LookupType,
    /// The value in payloads.
    pub source: LookupSide,
    /// The value at the target.
    pub target: LookupSide,
    /// Whether lookups use it.
    pub is_active: bool,
    /// Rises with every change of the row.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A table: the rows of one type that belong to the organisation, or to one unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupTable {
    /// The type.
    pub lookup_type: LookupType,
    /// The unit; `None` means the organisation.
    pub tenant_id: Option<Rid>,
}

/// The key of a lookup: a value within a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupKey {
    /// The table.
    pub lookup_type: LookupType,
    /// The value as text.
    pub source_id: String,
}

/// The results of lookups; a key that no active row maps is absent.
pub type ResolvedLookups = HashMap<LookupKey, Arc<LookupSide>>;

impl LookupRow {
    /// The table of this row.
    pub fn table(&self) -> LookupTable {
        LookupTable {
            lookup_type: self.lookup_type.clone(),
            tenant_id: self.tenant_id,
        }
    }
}

impl LookupKey {
    /// The key of a payload's value: a text trimmed, a number in decimal, a boolean as its word; other kinds cannot be looked
    /// up.
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
    /// A field of this side; `id` is the identifier.
    pub fn field(&self, name: &str) -> Option<Value> {
        match name {
            "id" => Some(Value::String(self.id.clone())),
            name => self.fields.get(name).cloned(),
        }
    }

    /// This side as one object, the identifier first.
    pub fn to_object(&self) -> Value {
        let mut object = Map::new();
        object.insert("id".to_owned(), Value::String(self.id.clone()));
        object.extend(self.fields.clone());
        Value::Object(object)
    }
}
