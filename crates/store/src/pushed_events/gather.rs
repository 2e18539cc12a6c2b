//! Group commit: stores events that are pushed concurrently in one transaction.
//!
//! While one group is being stored, new calls join the next group. A group is a future that all of its callers share:
//! if one of them is dropped, the others still drive it, so no request depends on another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use ig_core::ports::StoreError;

use super::accept::accept;
use super::{Accepted, PushedEvent};
use crate::database::Database;

/// The most events in a group.
const MAX_EVENTS: usize = 1_000;

/// The most bytes in a group: a transaction of MongoDB may hold more, but becomes slow.
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;

type Outcome = Shared<BoxFuture<'static, Result<Arc<[Accepted]>, StoreError>>>;

/// The events of a group; `None` once the group is being stored.
type Waiting = Arc<Mutex<Option<Vec<PushedEvent>>>>;

#[derive(Debug)]
pub(super) struct Gatherer {
    database: Database,
    latest: Mutex<Option<Group>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Clone)]
struct Group {
    waiting: Waiting,
    outcome: Outcome,
}

impl Gatherer {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            latest: Mutex::default(),
            turn: Arc::default(),
        }
    }

    pub(super) async fn accept(&self, events: Vec<PushedEvent>) -> Result<Vec<Accepted>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let count = events.len();
        let (outcome, first) = self.join(events);
        let accepted = outcome.await?;
        Ok(accepted[first..first + count].to_vec())
    }

    /// Adds events to the open group, or to a new one; returns the group's result and their offset in it.
    fn join(&self, events: Vec<PushedEvent>) -> (Outcome, usize) {
        let mut latest = lock(&self.latest);
        if let Some(group) = latest.as_ref()
            && let Some(waiting) = lock(&group.waiting).as_mut()
            && has_room(waiting, &events)
        {
            let first = waiting.len();
            waiting.extend(events);
            return (group.outcome.clone(), first);
        }
        let group = self.group(events);
        let outcome = group.outcome.clone();
        *latest = Some(group);
        (outcome, 0)
    }

    fn group(&self, events: Vec<PushedEvent>) -> Group {
        let waiting: Waiting = Arc::new(Mutex::new(Some(events)));
        let outcome = store(self.database.clone(), Arc::clone(&self.turn), Arc::clone(&waiting));
        Group {
            waiting,
            outcome: outcome.boxed().shared(),
        }
    }
}

/// Waits for the previous group, then closes this one and stores it.
async fn store(database: Database, turn: Arc<tokio::sync::Mutex<()>>, waiting: Waiting) -> Result<Arc<[Accepted]>, StoreError> {
    let _turn = turn.lock().await;
    let events = lock(&waiting).take().unwrap_or_default();
    let accepted = accept(&database, &events).await?;
    Ok(accepted.into())
}

fn has_room(waiting: &[PushedEvent], events: &[PushedEvent]) -> bool {
    waiting.len() + events.len() <= MAX_EVENTS && bytes(waiting) + bytes(events) <= MAX_GROUP_BYTES
}

fn bytes(events: &[PushedEvent]) -> usize {
    events.iter().map(|event| event.payload.len()).sum()
}

/// A panic while the lock is held leaves no partial change: every change under it is one statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
