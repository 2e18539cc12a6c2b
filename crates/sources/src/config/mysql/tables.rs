//! Names of tables and columns.

use serde::{Deserialize, Serialize};

use crate::config::fault::FaultCollector;
use crate::config::identifier;

/// Section `[sources.mysql.columns]`: the queue table's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnNames {
    /// The ascending integer key.
    pub id: String,
    /// The kind of event.
    pub event_type: String,
    /// The JSON payload.
    pub payload: String,
    /// The entity that the event is about.
    pub entity_rid: String,
    /// The organisation above that entity.
    pub parent_rid: String,
    /// When the row was written: DATETIME or TIMESTAMP in UTC, or seconds or milliseconds since 1970.
    pub created_at: String,
    /// The writer's W3C trace context; not read without this setting.
    pub traceparent: Option<String>,
}

impl Default for ColumnNames {
    fn default() -> Self {
        Self {
            id: "id".to_owned(),
            event_type: "event_type".to_owned(),
            payload: "payload".to_owned(),
            entity_rid: "entity_rid".to_owned(),
            parent_rid: "entity_parent_rid".to_owned(),
            created_at: "created_at".to_owned(),
            traceparent: None,
        }
    }
}

impl ColumnNames {
    /// Each setting's key and the column that it names.
    pub(crate) fn named(&self) -> Vec<(&'static str, &str)> {
        let Self {
            id,
            event_type,
            payload,
            entity_rid,
            parent_rid,
            created_at,
            traceparent,
        } = self;
        let mut named = vec![("id", id.as_str()), ("event_type", event_type), ("payload", payload)];
        named.extend([
            ("entity_rid", entity_rid.as_str()),
            ("parent_rid", parent_rid),
            ("created_at", created_at),
        ]);
        named.extend(traceparent.as_deref().map(|name| ("traceparent", name)));
        named
    }

    pub(super) fn check(&self, faults: &mut FaultCollector) {
        for (key, name) in self.named() {
            identifier::check(faults, key, name);
        }
    }
}

/// Section `[sources.mysql.entity_table]`: the table that maps an entity to its organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntityTable {
    /// The table; it need not exist.
    pub table: String,
    /// The column of the entity.
    pub rid: String,
    /// The column of the organisation above it.
    pub parent_rid: String,
}

impl Default for EntityTable {
    fn default() -> Self {
        Self {
            table: "u_entity".to_owned(),
            rid: "rid".to_owned(),
            parent_rid: "parent_rid".to_owned(),
        }
    }
}

impl EntityTable {
    /// Each column setting's key and the column that it names.
    pub(crate) fn named(&self) -> Vec<(&'static str, &str)> {
        vec![("rid", &self.rid), ("parent_rid", &self.parent_rid)]
    }

    pub(super) fn check(&self, faults: &mut FaultCollector) {
        identifier::check(faults, "table", &self.table);
        for (key, name) in self.named() {
            identifier::check(faults, key, name);
        }
    }
}
