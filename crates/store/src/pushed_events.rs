//! Events that clients pushed, in the order of acceptance.
//!
//! Positions come from a counter that is raised in the transaction that stores the events. Two such transactions cannot
//! overlap, so positions become visible in order and without gaps: a reader that saw one position has seen all below
//! it, and an event that is stored late still gets a position after all that readers have passed.

mod accept;
mod document;
mod forget;
mod group_commit;
mod read;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::event::SourceRow;
use ig_core::id::{EventId, EventType, OrgId, Position, Rid};
use ig_core::ports::{PushedEvents, StoreError};
use std::ops::RangeInclusive;

use crate::database::Database;
use group_commit::GroupCommit;

pub(crate) const POSITION: &str = "pushed_events";
pub(crate) const FORGOTTEN: &str = "pushed_events_forgotten";

/// An event that a client pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedEvent {
    /// The tenant that pushed it.
    pub org_id: OrgId,
    /// The client's identifier, or a generated one; unique within the organisation.
    pub event_id: EventId,
    /// Its type.
    pub event_type: EventType,
    /// The entity that it concerns.
    pub entity_rid: Rid,
    /// The payload as received.
    pub payload: Bytes,
    /// W3C trace context of the request.
    pub trace_parent: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// The result of accepting an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// It is stored and will be delivered.
    New,
    /// It was stored before, with the same type, entity and payload.
    Repeated,
    /// Another event has this identifier; this one was not stored.
    Conflict,
}

/// The queue of pushed events. Clones batch their writes together.
#[derive(Debug, Clone)]
pub struct PushQueue {
    database: Database,
    groups: Arc<GroupCommit>,
}

impl PushQueue {
    pub(crate) fn new(database: Database) -> Self {
        let groups = Arc::new(GroupCommit::new(database.clone()));
        Self { database, groups }
    }

    /// Stores events durably; results are in the order of the events. Concurrent calls share one transaction.
    pub async fn accept(&self, events: Vec<PushedEvent>) -> Result<Vec<PushOutcome>, StoreError> {
        self.groups.accept(events).await
    }

    /// The payload of one of an organisation's events, while it is stored.
    pub async fn payload(&self, org: OrgId, event: &EventId) -> Result<Option<Bytes>, StoreError> {
        read::payload(&self.database, &document::key_of(org, event)).await
    }

    /// Deletes events up to the position `done` that were received before a time, and returns their number. An event
    /// that is not done stays for ever; while it is stored, [`Self::accept`] recognises its identifier.
    pub async fn forget_done(&self, done: Position, received_before: Timestamp) -> Result<u64, StoreError> {
        forget::forget_done(&self.database, done, received_before).await
    }
}

#[async_trait]
impl PushedEvents for PushQueue {
    async fn head(&self) -> Result<Position, StoreError> {
        read::counter(&self.database, POSITION).await
    }

    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, StoreError> {
        read::after(&self.database, after, limit).await
    }

    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, StoreError> {
        read::ranges(&self.database, ranges).await
    }
}
