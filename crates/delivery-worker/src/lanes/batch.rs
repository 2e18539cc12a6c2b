//! A lane's batch: prepares the events at its head together, then delivers them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use ig_core::event::Event;
use ig_core::id::{LogId, Position, SourceId};
use ig_core::ports::{Journal, SourceError, StoreError};
use tokio_util::sync::CancellationToken;

use super::queue::LaneItem;
use crate::decided_event::{DecidedEvent, EventGone};
use crate::lane_worker::LaneWorker;
use crate::reader::SourceState;

const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Prepares batches and delivers them.
pub(crate) struct BatchRunner {
    journal: Arc<dyn Journal>,
    lane_worker: Arc<LaneWorker>,
}

/// What a batch needs before it begins.
struct PreparedBatch {
    reloaded: HashMap<EventKey, LoadedEvent>,
    recorded: HashSet<LogId>,
}

/// An event's source and its position there.
type EventKey = (SourceId, Position);

/// An event that was read again, or why it is gone.
type LoadedEvent = Result<Arc<Event>, EventGone>;

/// Why a batch cannot begin yet.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the source does not show an event that it has shown before, nor any later one")]
    SourceLags,
}

impl PreparedBatch {
    fn event(&self, item: &LaneItem) -> Option<LoadedEvent> {
        loaded_event(item, &self.reloaded)
    }
}

fn loaded_event(item: &LaneItem, reloaded: &HashMap<EventKey, LoadedEvent>) -> Option<LoadedEvent> {
    item.event().or_else(|| reloaded.get(&event_key(item)).cloned())
}

fn event_key(item: &LaneItem) -> EventKey {
    (item.state.source.id().clone(), item.ticket.position())
}

/// Events of one source whose payloads were not kept.
type MissingPayloads = (Arc<SourceState>, BTreeMap<Position, Arc<DecidedEvent>>);

/// The events whose payloads were not kept, by source.
fn missing_payloads(batch: &[LaneItem]) -> Vec<MissingPayloads> {
    let mut by_source: BTreeMap<SourceId, MissingPayloads> = BTreeMap::new();
    for item in batch.iter().filter(|item| item.event().is_none()) {
        let entry = by_source.entry(item.state.source.id().clone());
        let (_, decided) = entry.or_insert_with(|| (Arc::clone(&item.state), BTreeMap::new()));
        decided.insert(item.ticket.position(), Arc::clone(&item.decided));
    }
    by_source.into_values().collect()
}

impl BatchRunner {
    pub(crate) fn new(journal: Arc<dyn Journal>, lane_worker: Arc<LaneWorker>) -> Arc<Self> {
        Arc::new(Self { journal, lane_worker })
    }

    /// Delivers a batch, `concurrency` events at a time, until `stop` fires.
    pub(crate) async fn run(&self, batch: Vec<LaneItem>, concurrency: usize, stop: &CancellationToken) {
        let Some(prepared) = self.prepare(&batch, stop).await else {
            return;
        };
        let prepared = &prepared;
        let deliveries = futures::stream::iter(batch);
        deliveries
            .for_each_concurrent(concurrency, |item| self.process(item, prepared, stop))
            .await;
    }

    async fn process(&self, item: LaneItem, prepared: &PreparedBatch, stop: &CancellationToken) {
        if stop.is_cancelled() {
            return;
        }
        let Some(_guard) = item.ticket.begin_work() else {
            return;
        };
        match prepared.event(&item) {
            Some(Ok(event)) => self.lane_worker.process(&item, &event, &prepared.recorded, stop).await,
            Some(Err(gone)) => self.lane_worker.record_gone(&item, &gone, &prepared.recorded, stop).await,
            None => {}
        }
    }

    async fn prepare(&self, batch: &[LaneItem], stop: &CancellationToken) -> Option<PreparedBatch> {
        let reloaded = self.retry_until_available(stop, batch, || reload_events(batch)).await?;
        let log_ids = self.log_ids_to_check(batch);
        let scheduled_ids = self.scheduled_ids_to_check(batch, &reloaded, stop);
        let recorded = self
            .retry_until_available(stop, batch, || self.find_recorded(&log_ids, &scheduled_ids))
            .await?;
        Some(PreparedBatch { reloaded, recorded })
    }

    fn log_ids_to_check(&self, batch: &[LaneItem]) -> Vec<LogId> {
        let rechecked = batch.iter().filter(|item| item.ticket.may_be_recorded());
        rechecked.flat_map(|item| self.lane_worker.log_ids(item)).collect()
    }

    /// A gone event cannot be planned once more, so it matters whether it was planned before.
    fn scheduled_ids_to_check(
        &self,
        batch: &[LaneItem],
        reloaded: &HashMap<EventKey, LoadedEvent>,
        stop: &CancellationToken,
    ) -> Vec<LogId> {
        let rechecked = batch.iter().filter(|item| item.ticket.may_be_recorded());
        let gone = rechecked.filter(|item| matches!(loaded_event(item, reloaded), Some(Err(_))));
        gone.filter_map(|item| self.lane_worker.scheduled_id(item, stop)).collect()
    }

    async fn find_recorded(&self, log_ids: &[LogId], scheduled_ids: &[LogId]) -> Result<HashSet<LogId>, NotReady> {
        let mut recorded = HashSet::new();
        if !log_ids.is_empty() {
            recorded.extend(self.journal.recorded(log_ids).await?);
        }
        if !scheduled_ids.is_empty() {
            recorded.extend(self.journal.scheduled(scheduled_ids).await?);
        }
        Ok(recorded)
    }

    /// Retries until an attempt succeeds; none once the worker stops or has lost the batch's partition.
    async fn retry_until_available<T, F>(
        &self,
        stop: &CancellationToken,
        batch: &[LaneItem],
        attempt: impl Fn() -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<T, NotReady>>,
    {
        let mut backoff = MIN_BACKOFF;
        while batch.iter().any(|item| item.ticket.is_valid()) {
            match attempt().await {
                Ok(done) => return Some(done),
                Err(error) => tracing::warn!(%error, "a lane cannot go on yet; trying again"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        None
    }
}

/// Reads events again whose payloads were not kept. They are decided already: nothing is decided here.
async fn reload_events(batch: &[LaneItem]) -> Result<HashMap<EventKey, LoadedEvent>, NotReady> {
    let mut found = HashMap::new();
    for (state, mut decided) in missing_payloads(batch) {
        let ranges: Vec<_> = decided.keys().map(|position| *position..=*position).collect();
        let id = state.source.id();
        for row in state.source.read_ranges(&ranges).await? {
            if let Some(decided) = decided.remove(&row.position) {
                found.insert((id.clone(), row.position), decided.with_payload_of(&row).map(Arc::new));
            }
        }
        if let Some((last, _)) = decided.last_key_value()
            && !state.has_shown_past(*last).await?
        {
            return Err(NotReady::SourceLags);
        }
        found.extend(
            decided
                .into_keys()
                .map(|position| ((id.clone(), position), Err(EventGone::Deleted))),
        );
    }
    Ok(found)
}
