//! Ports: the traits through which the domain uses the outside.

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;

use crate::alert::Alert;
use crate::audit::EventAudit;
use crate::breaker::Breaker;
use crate::clock::Timestamp;
use crate::dead_letter::DeadLetter;
use crate::dedup::SeenEvent;
use crate::delivery_log::{DeliveryLog, ExecutionTrace};
use crate::event::SourceRow;
use crate::id::{IntegrationId, LogId, OrgId, Position, Rid, SourceId};
use crate::integration::{BreakerSubject, Hold};
use crate::lease::{Checkpoint, Claim, Lease, SourceMarks, WorkerId};
use crate::lookup::{LookupKey, ResolvedLookups};
use crate::partition::PartitionId;
use crate::scheduled::{CancellationEvent, ScheduledDelivery};
use crate::stream::RowKind;

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It is unavailable; a later retry may succeed.
    #[error("the source is unavailable: {0}")]
    Unavailable(String),
    /// It is available but not as configured (a wrong table or column name); a person has to act.
    #[error("the source is not as configured: {0}")]
    Misconfigured(String),
}

/// Where a source is first read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPosition {
    /// After the rows that exist now.
    Now,
    /// From the first row.
    Beginning,
    /// After this position.
    After(Position),
}

/// The result of a read that skips unwanted rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipScanBatch {
    /// The rows, ascending; some of those that were to be skipped may be among them.
    pub rows: Vec<SourceRow>,
    /// Every visible row up to here is in `rows` or was skipped.
    pub read_to: Position,
    /// The positions up to `read_to` at which no row was visible.
    pub gaps: Vec<RangeInclusive<Position>>,
}

impl SkipScanBatch {
    /// A passage that skipped nothing: every visible row after a position, up to the last of these.
    pub fn of_all(after: Position, rows: Vec<SourceRow>) -> Self {
        let gaps = gaps(after, rows.iter().map(|row| row.position));
        Self {
            read_to: rows.last().map_or(after, |row| row.position),
            rows,
            gaps,
        }
    }
}

/// The ranges missing between `after` and these ascending positions.
pub fn gaps(after: Position, positions: impl IntoIterator<Item = Position>) -> Vec<RangeInclusive<Position>> {
    let mut expected = after + 1;
    let mut gaps = Vec::new();
    for position in positions {
        if position > expected {
            gaps.push(expected..=position - 1);
        }
        expected = expected.max(position + 1);
    }
    gaps
}

/// An ordered source of events.
#[async_trait]
pub trait EventSource: Send + Sync {
    /// Its name, which is part of every message id.
    fn id(&self) -> &SourceId;

    /// Where it is first read from.
    fn start(&self) -> StartPosition;

    /// The highest visible position; 0 when there is none.
    async fn head(&self) -> Result<Position, SourceError>;

    /// The first `limit` visible rows after a position, ascending.
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, SourceError>;

    /// The visible rows within these disjoint, ascending ranges, ascending.
    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, SourceError>;

    /// The positions within these disjoint, ascending ranges at which a row is visible, ascending. There may be very many
    /// ranges of few positions each. A source that cannot tell without reading the rows reads them.
    async fn visible_positions(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<Position>, SourceError> {
        let rows = self.read_ranges(ranges).await?;
        Ok(rows.into_iter().map(|row| row.position).collect())
    }

    /// Reads on while skipping rows of these kinds, over at most `span` positions and about `limit` other rows. Only rows that
    /// match a kind exactly are skipped. A source that cannot do this faster than [`Self::read_after`] does just that.
    async fn read_skipping(
        &self,
        after: Position,
        limit: usize,
        _span: u64,
        _kinds: &[RowKind],
    ) -> Result<SkipScanBatch, SourceError> {
        Ok(SkipScanBatch::of_all(after, self.read_after(after, limit).await?))
    }

    /// The organisation of an entity, as far as the source knows.
    async fn parent_of(&self, entity: Rid) -> Result<Option<OrgId>, SourceError>;
}

/// Why the store did not carry out a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is unavailable or did not answer in time; a later retry may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database refused, or holds data that cannot be understood; a retry will not help.
    #[error("the database refused: {0}")]
    Refused(String),
}

/// A record that must be durable before its event counts as done.
#[derive(Debug, Clone, PartialEq)]
pub enum JournalEntry {
    /// The decision about an event.
    Audit(EventAudit),
    /// A new decision about an event, which replaces the earlier one.
    Redecided(EventAudit),
    /// A delivery, its trace, and its dead letter if it failed.
    Delivery {
        /// The delivery with every attempt.
        log: Box<DeliveryLog>,
        /// Its steps.
        trace: ExecutionTrace,
        /// The dead letter, if it became one.
        dead_letter: Option<Box<DeadLetter>>,
    },
    /// A retry of a failed delivery.
    Retry {
        /// The delivery with every attempt, the earlier ones included.
        log: Box<DeliveryLog>,
        /// The new steps, appended to the earlier ones; the first one has the time of the retry.
        trace: ExecutionTrace,
    },
    /// An event that later ones may repeat.
    Seen(SeenEvent),
    /// A scheduled delivery.
    Scheduled(Box<ScheduledDelivery>),
    /// An event that cancels pending deliveries.
    Cancellation(Box<CancellationEvent>),
}

/// The most decisions that [`Journal::decisions`] returns at a time.
pub const MAX_DECISIONS: usize = 5_000;

/// The durable record of what happened. Writing the same entry twice has no further effect.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes all entries; once it returns, they survive the loss of any process.
    async fn record(&self, entries: &[JournalEntry]) -> Result<(), StoreError>;

    /// Which of these deliveries already have a log and must not be sent again.
    async fn recorded(&self, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError>;

    /// Which of these deliveries, named by their first log, were scheduled or are pending.
    async fn scheduled(&self, rows: &[LogId]) -> Result<HashSet<LogId>, StoreError>;

    /// The decisions about a source's events at these positions, ascending; the first [`MAX_DECISIONS`] at most.
    async fn decisions(&self, source: &SourceId, positions: &[RangeInclusive<Position>]) -> Result<Vec<EventAudit>, StoreError>;

    /// The events seen since a moment.
    async fn seen_since(&self, since: Timestamp) -> Result<Vec<SeenEvent>, StoreError>;
}

/// The leases on partitions, shared by all workers.
#[async_trait]
pub trait PartitionLeases: Send + Sync {
    /// Announces that a worker is alive for another `ttl`, and returns the live workers.
    async fn heartbeat(&self, worker: &WorkerId, now: Timestamp, ttl: Duration) -> Result<BTreeSet<WorkerId>, StoreError>;

    /// Removes a worker from the live ones.
    async fn leave(&self, worker: &WorkerId) -> Result<(), StoreError>;

    /// Every partition's lease.
    async fn list(&self) -> Result<Vec<Lease>, StoreError>;

    /// Claims a free partition; its epoch rises.
    async fn claim(&self, worker: &WorkerId, partition: PartitionId, now: Timestamp, ttl: Duration) -> Result<Claim, StoreError>;

    /// Renews all leases that a worker still holds, except expired ones, and returns their partitions.
    async fn renew(&self, worker: &WorkerId, now: Timestamp, ttl: Duration) -> Result<BTreeSet<PartitionId>, StoreError>;

    /// Stores checkpoints; refuses and returns those whose writer no longer holds the partition under that epoch. None moves
    /// back.
    async fn save(&self, worker: &WorkerId, checkpoints: &[Checkpoint]) -> Result<Vec<Checkpoint>, StoreError>;

    /// Releases partitions.
    async fn release(&self, worker: &WorkerId, partitions: &[PartitionId]) -> Result<(), StoreError>;

    /// Stores where a source begins, the first time that it is read; returns its marks.
    async fn start_source(&self, source: &SourceId, position: Position) -> Result<SourceMarks, StoreError>;

    /// The marks of a source; `None` where it has never begun.
    async fn source_marks(&self, source: &SourceId) -> Result<Option<SourceMarks>, StoreError>;

    /// Stores how far a source has been read; the mark never moves back.
    async fn save_highest_read(&self, source: &SourceId, position: Position) -> Result<(), StoreError>;
}

/// The breakers, shared by all processes.
#[async_trait]
pub trait Breakers: Send + Sync {
    /// The breaker of an integration; one that was never stored is closed.
    async fn get(&self, org: OrgId, id: IntegrationId) -> Result<Breaker, StoreError>;

    /// Stores the next state of a breaker; `false` where another process was faster and nothing was stored.
    async fn put(&self, org: OrgId, id: IntegrationId, next: &Breaker) -> Result<bool, StoreError>;

    /// Records that deliveries of these integrations succeeded up to a moment, in the breakers that exist.
    async fn delivered(&self, integrations: &[IntegrationId], at: Timestamp) -> Result<(), StoreError>;
}

/// Why an integration was not switched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// It has changed since, or is gone: the later change wins.
    #[error("it has changed meanwhile")]
    Stale,
    /// The database failed to do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Holds and releases integrations on behalf of a process. The alert is owed in the same transaction as the switch, so it
/// survives a crash.
#[async_trait]
pub trait Switches: Send + Sync {
    /// Holds an integration in the revision that the caller knows.
    async fn hold(&self, subject: &BreakerSubject<'_>, hold: &Hold, alert: &Alert, now: Timestamp) -> Result<(), SwitchError>;

    /// Stores the next state of an integration's breaker and, atomically with it, holds the integration or, without a hold,
    /// releases it; `false` where another process was faster with the breaker and nothing was done.
    async fn apply_breaker(
        &self,
        subject: &BreakerSubject<'_>,
        hold: Option<&Hold>,
        next: &Breaker,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<bool, SwitchError>;
}

/// Raises alerts.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Raises an alert, without making the caller wait for its delivery.
    async fn raise(&self, alert: &Alert);
}

/// Resolves lookup keys.
#[async_trait]
pub trait Lookups: Send + Sync {
    /// The values that an organisation's active rows map these keys to for an entity: a unit's row takes precedence over the
    /// organisation's.
    ///
    /// An unmapped key is left out; an error never means "unmapped".
    async fn resolve(&self, org: OrgId, entity: Rid, keys: &[LookupKey]) -> Result<ResolvedLookups, StoreError>;
}

/// The queue of pushed events, in the order of their acceptance.
#[async_trait]
pub trait PushedEvents: Send + Sync {
    /// The highest assigned position; 0 when there is none.
    async fn head(&self) -> Result<Position, StoreError>;

    /// The first `limit` stored events after a position, ascending.
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, StoreError>;

    /// The stored events within these ranges, ascending.
    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, StoreError>;
}
