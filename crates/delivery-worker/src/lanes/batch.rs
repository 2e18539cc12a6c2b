//! A lane's turn: what waited longest is made ready together, then delivered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use ig_core::event::Event;
use ig_core::id::{LogId, Position, SourceId};
use ig_core::ports::{Journal, SourceError, StoreError};
use tokio_util::sync::CancellationToken;

use super::queue::Work;
use crate::decided_event::{Decided, Gone};
use crate::lane_worker::Courier;
use crate::reader::SourceState;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Makes turns ready and has them delivered.
pub(crate) struct Turns {
    journal: Arc<dyn Journal>,
    courier: Arc<Courier>,
}

/// What a turn needs to know before it begins.
struct Ready {
    reread: HashMap<Place, Found>,
    recorded: HashSet<LogId>,
}

/// An event's place: its source and its position there.
type Place = (SourceId, Position);

/// An event that was read again, or why it is gone.
type Found = Result<Arc<Event>, Gone>;

/// Why a turn cannot begin yet.
#[derive(Debug, thiserror::Error)]
enum NotYet {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the source does not show an event that it has shown before, nor any later one")]
    Behind,
}

impl Ready {
    fn event(&self, work: &Work) -> Option<Found> {
        find(work, &self.reread)
    }
}

fn find(work: &Work, reread: &HashMap<Place, Found>) -> Option<Found> {
    work.event().or_else(|| reread.get(&place(work)).cloned())
}

fn place(work: &Work) -> Place {
    (work.state.source.id().clone(), work.ticket.position())
}

/// Events of one source whose payload was not kept.
type Missing = (Arc<SourceState>, BTreeMap<Position, Arc<Decided>>);

/// The events whose payload was not kept, by source.
fn missing(turn: &[Work]) -> Vec<Missing> {
    let mut by_source: BTreeMap<SourceId, Missing> = BTreeMap::new();
    for work in turn.iter().filter(|work| work.event().is_none()) {
        let entry = by_source.entry(work.state.source.id().clone());
        let (_, decided) = entry.or_insert_with(|| (Arc::clone(&work.state), BTreeMap::new()));
        decided.insert(work.ticket.position(), Arc::clone(&work.decided));
    }
    by_source.into_values().collect()
}

impl Turns {
    /// Puts the parts together.
    pub(crate) fn new(journal: Arc<dyn Journal>, courier: Arc<Courier>) -> Arc<Self> {
        Arc::new(Self { journal, courier })
    }

    /// Delivers a lane's next events, so many at a time, until told to stop.
    pub(crate) async fn take(&self, turn: Vec<Work>, concurrency: usize, stop: &CancellationToken) {
        let Some(ready) = self.make_ready(&turn, stop).await else {
            return;
        };
        let ready = &ready;
        let deliveries = futures::stream::iter(turn);
        deliveries
            .for_each_concurrent(concurrency, |work| self.deliver(work, ready, stop))
            .await;
    }

    async fn deliver(&self, work: Work, ready: &Ready, stop: &CancellationToken) {
        if stop.is_cancelled() {
            return;
        }
        let Some(_working) = work.ticket.begin_work() else {
            return;
        };
        match ready.event(&work) {
            Some(Ok(event)) => self.courier.deliver(&work, &event, &ready.recorded, stop).await,
            Some(Err(gone)) => self.courier.give_up(&work, &gone, &ready.recorded, stop).await,
            None => {}
        }
    }

    async fn make_ready(&self, turn: &[Work], stop: &CancellationToken) -> Option<Ready> {
        let reread = self.insist(stop, turn, || reread(turn)).await?;
        let logs = self.logs_to_check(turn);
        let planned = self.plans_to_check(turn, &reread, stop);
        let recorded = self.insist(stop, turn, || self.recorded(&logs, &planned)).await?;
        Some(Ready { reread, recorded })
    }

    fn logs_to_check(&self, turn: &[Work]) -> Vec<LogId> {
        let doubtful = turn.iter().filter(|work| work.ticket.may_be_recorded());
        doubtful.flat_map(|work| self.courier.log_ids(work)).collect()
    }

    /// An event that is gone cannot be planned once more, so it matters whether it was.
    fn plans_to_check(&self, turn: &[Work], reread: &HashMap<Place, Found>, stop: &CancellationToken) -> Vec<LogId> {
        let doubtful = turn.iter().filter(|work| work.ticket.may_be_recorded());
        let gone = doubtful.filter(|work| matches!(find(work, reread), Some(Err(_))));
        gone.filter_map(|work| self.courier.plan_id(work, stop)).collect()
    }

    async fn recorded(&self, logs: &[LogId], planned: &[LogId]) -> Result<HashSet<LogId>, NotYet> {
        let mut recorded = HashSet::new();
        if !logs.is_empty() {
            recorded.extend(self.journal.recorded(logs).await?);
        }
        if !planned.is_empty() {
            recorded.extend(self.journal.planned(planned).await?);
        }
        Ok(recorded)
    }

    /// Tries until it works, the worker stops, or the lane's partition is held no more.
    async fn insist<T, F>(&self, stop: &CancellationToken, turn: &[Work], attempt: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, NotYet>>,
    {
        let mut pause = FIRST_PAUSE;
        while turn.iter().any(|work| work.ticket.holds()) {
            match attempt().await {
                Ok(done) => return Some(done),
                Err(error) => tracing::warn!(%error, "a lane cannot go on yet; trying again"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }
}

/// Reads events again whose payload was not kept. They were decided about: nothing is judged here.
async fn reread(turn: &[Work]) -> Result<HashMap<Place, Found>, NotYet> {
    let mut found = HashMap::new();
    for (state, mut decided) in missing(turn) {
        let ranges: Vec<_> = decided.keys().map(|position| *position..=*position).collect();
        let id = state.source.id();
        for row in state.source.read_ranges(&ranges).await? {
            if let Some(decided) = decided.remove(&row.position) {
                found.insert((id.clone(), row.position), decided.read_again(&row).map(Arc::new));
            }
        }
        if let Some((last, _)) = decided.last_key_value()
            && !state.has_passed(*last).await?
        {
            return Err(NotYet::Behind);
        }
        found.extend(
            decided
                .into_keys()
                .map(|position| ((id.clone(), position), Err(Gone::Deleted))),
        );
    }
    Ok(found)
}
