//! Looks up an entity's organisation in the source's own database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ig_core::id::{OrgId, Rid};
use ig_core::ports::SourceError;
use moka::Expiry;
use moka::future::Cache;
use mysql_async::{Value, from_value_opt};

use super::connections::{Connections, StatementError};
use super::error_explainer::{ErrorExplainer, is_missing_table};
use super::statements;
use crate::config::EntityTable;

const MAX_CACHED: u64 = 100_000;
const FOUND_TTL: Duration = Duration::from_mins(1);
/// Short, since an entity may be about to be written.
const MISSING_TTL: Duration = Duration::from_secs(5);

/// The entity table, with a cache of recent look-ups.
#[derive(Debug)]
pub(super) struct ParentLookup {
    table: String,
    statement: String,
    error_explainer: ErrorExplainer,
    cache: Cache<Rid, Option<OrgId>>,
    warned: AtomicBool,
}

impl ParentLookup {
    pub(super) fn new(table: &EntityTable) -> Self {
        Self {
            table: table.table.clone(),
            statement: statements::parent_of(table),
            error_explainer: ErrorExplainer::for_entity_table(table),
            cache: Cache::builder().max_capacity(MAX_CACHED).expire_after(ParentExpiry).build(),
            warned: AtomicBool::new(false),
        }
    }

    /// The organisation of an entity; concurrent look-ups of one entity share a statement.
    pub(super) async fn parent_of(&self, connections: &Connections, entity: Rid) -> Result<Option<OrgId>, SourceError> {
        let found = self.cache.try_get_with(entity, self.look_up(connections, entity)).await;
        found.map_err(|error: Arc<SourceError>| SourceError::clone(&error))
    }

    async fn look_up(&self, connections: &Connections, entity: Rid) -> Result<Option<OrgId>, SourceError> {
        let mut parent = None;
        let read = connections
            .read(&self.statement, vec![Value::from(entity.0)], |row| {
                parent = row.unwrap().pop();
            })
            .await;
        match read {
            Ok(()) => Ok(parent.and_then(|value| from_value_opt(value).ok()).map(OrgId)),
            Err(StatementError::Refused(error)) if is_missing_table(&error) => {
                self.warn_once();
                Ok(None)
            }
            Err(error) => Err(self.error_explainer.explain(connections, error).await),
        }
    }

    fn warn_once(&self) {
        if !self.warned.swap(true, Relaxed) {
            tracing::warn!(
                table = self.table,
                "there is no table of entities; an event that names no organisation finds none here"
            );
        }
    }
}

struct ParentExpiry;

impl Expiry<Rid, Option<OrgId>> for ParentExpiry {
    fn expire_after_create(&self, _: &Rid, parent: &Option<OrgId>, _: Instant) -> Option<Duration> {
        Some(if parent.is_some() { FOUND_TTL } else { MISSING_TTL })
    }
}
