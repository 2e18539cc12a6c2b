//! Group commit: stores events that are pushed concurrently in one transaction.
//!
//! While one group is being stored, new calls join the next group. A group is a future that all of its callers share:
//! if one of them is dropped, the others still drive it, so no request depends on another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use ig_core::ports::StoreError;

use super::accept::accept;
use super::{PushOutcome, PushedEvent};
use crate::database::Database;

/// The most events in a group.
const MAX_EVENTS: usize = 1_000;

/// The most bytes in a group: a transaction of MongoDB may hold more, but becomes slow.
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;

type GroupResult = Shared<BoxFuture<'static, Result<Arc<[PushOutcome]>, StoreError>>>;

/// The events of a group; `None` once the group is being stored.
type OpenEvents = Arc<Mutex<Option<Vec<PushedEvent>>>>;

#[derive(Debug)]
pub(super) struct GroupCommit {
    database: Database,
    latest: Mutex<Option<Group>>,
    store_lock: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Clone)]
struct Group {
    waiting: OpenEvents,
    result: GroupResult,
}

impl GroupCommit {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            latest: Mutex::default(),
            store_lock: Arc::default(),
        }
    }

    pub(super) async fn accept(&self, events: Vec<PushedEvent>) -> Result<Vec<PushOutcome>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let count = events.len();
        let (result, first) = self.join(events);
        let accepted = result.await?;
        Ok(accepted[first..first + count].to_vec())
    }

    /// Adds events to the open group, or to a new one; returns the group's result and their offset in it.
    fn join(&self, events: Vec<PushedEvent>) -> (GroupResult, usize) {
        let mut latest = lock(&self.latest);
        if let Some(group) = latest.as_ref()
            && let Some(waiting) = lock(&group.waiting).as_mut()
            && fits(waiting, &events)
        {
            let first = waiting.len();
            waiting.extend(events);
            return (group.result.clone(), first);
        }
        let group = self.new_group(events);
        let result = group.result.clone();
        *latest = Some(group);
        (result, 0)
    }

    fn new_group(&self, events: Vec<PushedEvent>) -> Group {
        let waiting: OpenEvents = Arc::new(Mutex::new(Some(events)));
        let result = store_group(self.database.clone(), Arc::clone(&self.store_lock), Arc::clone(&waiting));
        Group {
            waiting,
            result: result.boxed().shared(),
        }
    }
}

/// Waits for the previous group, then closes this one and stores it.
async fn store_group(
    database: Database,
    store_lock: Arc<tokio::sync::Mutex<()>>,
    waiting: OpenEvents,
) -> Result<Arc<[PushOutcome]>, StoreError> {
    let _guard = store_lock.lock().await;
    let events = lock(&waiting).take().unwrap_or_default();
    let accepted = accept(&database, &events).await?;
    Ok(accepted.into())
}

fn fits(waiting: &[PushedEvent], events: &[PushedEvent]) -> bool {
    waiting.len() + events.len() <= MAX_EVENTS && payload_bytes(waiting) + payload_bytes(events) <= MAX_GROUP_BYTES
}

fn payload_bytes(events: &[PushedEvent]) -> usize {
    events.iter().map(|event| event.payload.len()).sum()
}

/// A panic while the lock is held leaves no partial change: every change under it is one statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
