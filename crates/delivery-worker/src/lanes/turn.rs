//! A lane's turn: what waited longest is made ready together, then delivered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use ig_core::clock::Clock;
use ig_core::event::Event;
use ig_core::id::{LogId, Position, SourceId};
use ig_core::ports::{EventSource, Journal, SourceError, StoreError};
use tokio_util::sync::CancellationToken;

use super::queue::Work;
use crate::courier::Courier;
use crate::intake::Intake;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Makes turns ready and has them delivered.
pub(crate) struct Turns {
    intake: Arc<Intake>,
    journal: Arc<dyn Journal>,
    courier: Arc<Courier>,
    clock: Arc<dyn Clock>,
}

/// What a turn needs to know before it begins.
struct Ready {
    reread: HashMap<Place, Arc<Event>>,
    recorded: HashSet<LogId>,
}

/// An event's place: its source and its position there.
type Place = (SourceId, Position);

impl Ready {
    fn event(&self, work: &Work) -> Option<Arc<Event>> {
        find(work, &self.reread)
    }
}

fn find(work: &Work, reread: &HashMap<Place, Arc<Event>>) -> Option<Arc<Event>> {
    work.event().or_else(|| reread.get(&place(work)).cloned())
}

fn place(work: &Work) -> Place {
    (work.state.source.id().clone(), work.ticket.position())
}

/// The places of events whose payload was not kept, by source.
fn missing(turn: &[Work]) -> Vec<(Arc<dyn EventSource>, BTreeSet<Position>)> {
    let mut by_source: BTreeMap<SourceId, (Arc<dyn EventSource>, BTreeSet<Position>)> = BTreeMap::new();
    for work in turn.iter().filter(|work| work.event().is_none()) {
        let source = &work.state.source;
        let entry = by_source.entry(source.id().clone());
        let (_, positions) = entry.or_insert_with(|| (Arc::clone(source), BTreeSet::new()));
        positions.insert(work.ticket.position());
    }
    by_source.into_values().collect()
}

impl Turns {
    /// Puts the parts together.
    pub(crate) fn new(intake: Arc<Intake>, journal: Arc<dyn Journal>, courier: Arc<Courier>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            intake,
            journal,
            courier,
            clock,
        })
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
        if stop.is_cancelled() || !work.ticket.holds() {
            return;
        }
        match ready.event(&work) {
            Some(event) => self.courier.deliver(&work, &event, &ready.recorded, stop).await,
            None => lose(&work),
        }
    }

    async fn make_ready(&self, turn: &[Work], stop: &CancellationToken) -> Option<Ready> {
        let reread = self.insist(stop, turn, || self.reread(turn)).await?;
        let logs = self.logs_to_check(turn, &reread);
        let recorded = self.insist(stop, turn, || self.recorded(&logs)).await?;
        Some(Ready { reread, recorded })
    }

    /// Reads events again whose payload was not kept.
    async fn reread(&self, turn: &[Work]) -> Result<HashMap<Place, Arc<Event>>, SourceError> {
        let mut events = HashMap::new();
        for (source, positions) in missing(turn) {
            let ranges: Vec<_> = positions.into_iter().map(|position| position..=position).collect();
            for row in source.read_ranges(&ranges).await? {
                let addressed = self.intake.address(source.as_ref(), row).await?;
                if let Ok(event) = self.intake.understand(source.id(), &addressed, self.clock.now()) {
                    events.insert((event.source.clone(), event.position), Arc::new(event));
                }
            }
        }
        Ok(events)
    }

    fn logs_to_check(&self, turn: &[Work], reread: &HashMap<Place, Arc<Event>>) -> Vec<LogId> {
        let doubtful = turn.iter().filter(|work| work.ticket.may_be_recorded());
        let with_event = doubtful.filter_map(|work| Some((work, find(work, reread)?)));
        with_event
            .flat_map(|(work, event)| self.courier.log_ids(work, &event))
            .collect()
    }

    async fn recorded(&self, logs: &[LogId]) -> Result<HashSet<LogId>, StoreError> {
        if logs.is_empty() {
            return Ok(HashSet::new());
        }
        self.journal.recorded(logs).await
    }

    /// Tries until it works, the worker stops, or the lane's partition is held no more.
    async fn insist<T, E, F>(&self, stop: &CancellationToken, turn: &[Work], attempt: impl Fn() -> F) -> Option<T>
    where
        E: std::fmt::Display,
        F: Future<Output = Result<T, E>>,
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

/// The row was deleted from its source while it waited: nothing is left to deliver.
fn lose(work: &Work) {
    tracing::error!(
        source = %work.state.source.id(),
        position = work.ticket.position(),
        integration = %work.compiled.integration.id,
        "an event was deleted from its source before its turn came",
    );
    work.ticket.part_done();
}
