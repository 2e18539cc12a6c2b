//! Which organisation an entity belongs to, as the source's own database knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ig_core::id::{OrgId, Rid};
use ig_core::ports::SourceError;
use moka::Expiry;
use moka::future::Cache;
use mysql_async::{Value, from_value_opt};

use super::connections::{Connections, Failure};
use super::diagnosis::{Diagnosis, is_missing_table};
use super::statements;
use crate::config::EntityTable;

const MOST_ENTITIES: u64 = 100_000;
const KNOWN_FOR: Duration = Duration::from_mins(1);
/// An entity may be about to be written.
const UNKNOWN_FOR: Duration = Duration::from_secs(5);

/// The table of entities, with what was learnt of it lately.
#[derive(Debug)]
pub(super) struct Parents {
    table: String,
    statement: String,
    diagnosis: Diagnosis,
    lately: Cache<Rid, Option<OrgId>>,
    complained: AtomicBool,
}

impl Parents {
    pub(super) fn new(table: &EntityTable) -> Self {
        Self {
            table: table.table.clone(),
            statement: statements::parent_of(table),
            diagnosis: Diagnosis::entities(table),
            lately: Cache::builder().max_capacity(MOST_ENTITIES).expire_after(Lifetime).build(),
            complained: AtomicBool::new(false),
        }
    }

    /// The organisation above an entity; many who ask at once cause one statement.
    pub(super) async fn of(&self, connections: &Connections, entity: Rid) -> Result<Option<OrgId>, SourceError> {
        let found = self.lately.try_get_with(entity, self.look_up(connections, entity)).await;
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
            Err(Failure::Refused(error)) if is_missing_table(&error) => {
                self.complain();
                Ok(None)
            }
            Err(failure) => Err(self.diagnosis.explain(connections, failure).await),
        }
    }

    fn complain(&self) {
        if !self.complained.swap(true, Relaxed) {
            tracing::warn!(
                table = self.table,
                "there is no table of entities; an event that names no organisation finds none here"
            );
        }
    }
}

struct Lifetime;

impl Expiry<Rid, Option<OrgId>> for Lifetime {
    fn expire_after_create(&self, _: &Rid, parent: &Option<OrgId>, _: Instant) -> Option<Duration> {
        Some(if parent.is_some() { KNOWN_FOR } else { UNKNOWN_FOR })
    }
}
