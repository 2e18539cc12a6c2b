//! What the domain needs from the outside, stated by those who need it.

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
use crate::integration::{Guarded, Hold};
use crate::lease::{Checkpoint, Claim, Lease, SourceMarks, WorkerId};
use crate::lookup::{LookupKey, Resolved};
use crate::partition::PartitionId;
use crate::scheduled::{CallOff, ScheduledDelivery};
use crate::stream::RowKind;

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It is away; trying again later may succeed.
    #[error("the source is unavailable: {0}")]
    Unavailable(String),
    /// It is there but not as configured (a wrong table or column name); a person has to act.
    #[error("the source is not as configured: {0}")]
    Misconfigured(String),
}

/// Where a source is read from when it has never been read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPosition {
    /// After what is there now.
    Now,
    /// From its first row.
    Beginning,
    /// After this position.
    After(Position),
}

/// What was read on the way past rows that nobody wants now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The rows, ascending; some of those that were to be passed may be among them.
    pub rows: Vec<SourceRow>,
    /// Every visible row up to here is in `rows` or was passed.
    pub read_to: Position,
    /// The positions up to `read_to` at which no row was visible.
    pub gaps: Vec<RangeInclusive<Position>>,
}

impl Passage {
    /// Every visible row after a position, up to the last of these.
    pub fn of_all(after: Position, rows: Vec<SourceRow>) -> Self {
        let gaps = gaps(after, rows.iter().map(|row| row.position));
        Self {
            read_to: rows.last().map_or(after, |row| row.position),
            rows,
            gaps,
        }
    }
}

/// The ranges that are missing between `after` and these positions, which ascend.
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
    /// Its name, part of every message id.
    fn id(&self) -> &SourceId;

    /// Where it is read from when it has never been read before.
    fn start(&self) -> StartPosition;

    /// The highest position that is visible; 0 when there is none.
    async fn head(&self) -> Result<Position, SourceError>;

    /// The first `limit` visible rows after a position, ascending.
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, SourceError>;

    /// The visible rows within these disjoint, ascending ranges, ascending.
    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, SourceError>;

    /// The positions within these disjoint, ascending ranges at which a row is visible, ascending. There may be very many ranges of few
    /// positions each. A source that cannot tell without reading the rows reads them.
    async fn visible_within(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<Position>, SourceError> {
        let rows = self.read_ranges(ranges).await?;
        Ok(rows.into_iter().map(|row| row.position).collect())
    }

    /// Reads on past rows of these kinds, `span` positions at the most and about `limit` rows of others. Nothing is passed that is not
    /// of these kinds to the letter. A source that cannot do this quicker than [`Self::read_after`] does just that.
    async fn read_past(&self, after: Position, limit: usize, _span: u64, _kinds: &[RowKind]) -> Result<Passage, SourceError> {
        Ok(Passage::of_all(after, self.read_after(after, limit).await?))
    }

    /// The organisation that an entity belongs to, as far as the source knows.
    async fn parent_of(&self, entity: Rid) -> Result<Option<OrgId>, SourceError>;
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is away or did not answer in time; trying again later may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database refused, or holds something that cannot be understood; trying again will not help.
    #[error("the database refused: {0}")]
    Refused(String),
}

/// Something to be written down before its event counts as done.
#[derive(Debug, Clone, PartialEq)]
pub enum JournalEntry {
    /// What was decided about an event.
    Audit(EventAudit),
    /// What was decided about an event in place of what had been decided earlier.
    Redecided(EventAudit),
    /// A delivery, its trace, and its dead letter where it could not be made.
    Delivery {
        /// The delivery with every attempt.
        log: Box<DeliveryLog>,
        /// Its steps.
        trace: ExecutionTrace,
        /// The dead letter, if it became one.
        dead_letter: Option<Box<DeadLetter>>,
    },
    /// A delivery that had failed and was tried again.
    Redelivery {
        /// The delivery with every attempt, the earlier ones included.
        log: Box<DeliveryLog>,
        /// The steps that are new, to be added to the earlier ones; the first tells when it was tried again.
        trace: ExecutionTrace,
    },
    /// An event that later ones may repeat.
    Seen(SeenEvent),
    /// A delivery whose time is yet to come.
    Scheduled(Box<ScheduledDelivery>),
    /// An event calls off what is pending.
    CalledOff(Box<CallOff>),
}

/// The most decisions that [`Journal::decided`] answers at a time.
pub const DECIDED_AT_ONCE: usize = 5_000;

/// The durable record of what happened. Writing the same entry twice writes it once.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes all entries; when it answers, they survive the loss of any process.
    async fn record(&self, entries: &[JournalEntry]) -> Result<(), StoreError>;

    /// Which of these deliveries have a log already: they are not to be sent again.
    async fn recorded(&self, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError>;

    /// Which of these deliveries, named by their first log, were planned for later or are pending.
    async fn planned(&self, rows: &[LogId]) -> Result<HashSet<LogId>, StoreError>;

    /// What was decided about a source's events at these positions, ascending; at most [`DECIDED_AT_ONCE`], the first ones.
    async fn decided(&self, source: &SourceId, positions: &[RangeInclusive<Position>]) -> Result<Vec<EventAudit>, StoreError>;

    /// The events seen since a moment.
    async fn seen_since(&self, since: Timestamp) -> Result<Vec<SeenEvent>, StoreError>;
}

/// The leases on partitions, kept where all workers see them.
#[async_trait]
pub trait PartitionLeases: Send + Sync {
    /// Says that a worker lives for another `ttl`, and who else does.
    async fn heartbeat(&self, worker: &WorkerId, now: Timestamp, ttl: Duration) -> Result<BTreeSet<WorkerId>, StoreError>;

    /// Takes a worker off the list of the living.
    async fn leave(&self, worker: &WorkerId) -> Result<(), StoreError>;

    /// Every partition's lease.
    async fn list(&self) -> Result<Vec<Lease>, StoreError>;

    /// Claims a partition that is free; its epoch rises.
    async fn claim(&self, worker: &WorkerId, partition: PartitionId, now: Timestamp, ttl: Duration) -> Result<Claim, StoreError>;

    /// Prolongs all leases that a worker still holds, expired ones excepted, and says which these are.
    async fn renew(&self, worker: &WorkerId, now: Timestamp, ttl: Duration) -> Result<BTreeSet<PartitionId>, StoreError>;

    /// Stores checkpoints; those whose writer no longer holds the partition under that epoch are refused and returned. None moves back.
    async fn save(&self, worker: &WorkerId, checkpoints: &[Checkpoint]) -> Result<Vec<Checkpoint>, StoreError>;

    /// Gives a partition back.
    async fn release(&self, worker: &WorkerId, partitions: &[PartitionId]) -> Result<(), StoreError>;

    /// Stores where a source begins, the first time that it is read; says where it begins and how far it has been seen.
    async fn begin_source(&self, source: &SourceId, position: Position) -> Result<SourceMarks, StoreError>;

    /// Where a source began and how far it has been seen; nothing where it has never begun.
    async fn source_marks(&self, source: &SourceId) -> Result<Option<SourceMarks>, StoreError>;

    /// Stores how far a source has been seen; it never moves back.
    async fn saw_source(&self, source: &SourceId, position: Position) -> Result<(), StoreError>;
}

/// The breakers, kept where all processes see them.
#[async_trait]
pub trait Breakers: Send + Sync {
    /// An integration's breaker; one that was never stored is closed.
    async fn get(&self, org: OrgId, id: IntegrationId) -> Result<Breaker, StoreError>;

    /// Stores what follows a breaker as it was read; false where somebody else was faster, and nothing was stored.
    async fn put(&self, org: OrgId, id: IntegrationId, next: &Breaker) -> Result<bool, StoreError>;

    /// Notes that deliveries of these integrations succeeded up to a moment, in the breakers that there are.
    async fn delivered(&self, integrations: &[IntegrationId], at: Timestamp) -> Result<(), StoreError>;
}

/// Why an integration was not switched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// It has changed since, or is gone: whoever changed it has the last word.
    #[error("it has changed meanwhile")]
    Stale,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Holds integrations and lets them go, in the name of the process that does. People are told of it by an alert that is owed as one with
/// the switch, whoever dies meanwhile.
#[async_trait]
pub trait Switches: Send + Sync {
    /// Holds an integration as it is known.
    async fn hold(&self, known: &Guarded<'_>, hold: &Hold, alert: &Alert, now: Timestamp) -> Result<(), SwitchError>;

    /// Stores what follows an integration's breaker as that was read and, as one with it, holds the integration as it is known, or lets it go
    /// where there is no hold; false where somebody else was faster with the breaker, and nothing was done.
    async fn turn(
        &self,
        known: &Guarded<'_>,
        hold: Option<&Hold>,
        next: &Breaker,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<bool, SwitchError>;
}

/// Tells people what they should know.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Raises an alert; nobody is kept waiting for that.
    async fn raise(&self, alert: &Alert);
}

/// Finds what lookup rows map values to.
#[async_trait]
pub trait Lookups: Send + Sync {
    /// What an organisation's active rows map these keys to for an entity: a unit's row wins over the organisation's.
    ///
    /// A key that no row maps is left out; an error is never "unmapped".
    async fn resolve(&self, org: OrgId, entity: Rid, keys: &[LookupKey]) -> Result<Resolved, StoreError>;
}

/// The queue of events that clients pushed, in the order of their acceptance.
#[async_trait]
pub trait PushedEvents: Send + Sync {
    /// The highest position that was given out; 0 when there is none.
    async fn head(&self) -> Result<Position, StoreError>;

    /// The first `limit` stored events after a position, ascending.
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, StoreError>;

    /// The stored events within these ranges, ascending.
    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, StoreError>;
}
