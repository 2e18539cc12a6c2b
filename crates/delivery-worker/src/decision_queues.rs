//! The queues between the reader and the decision, one a stream and in its order: an event waits here for its payload's schema check, or
//! until the newer configuration by which another worker decided has arrived.
//!
//! A schema is a tenant's program and may take its time over a payload, so the reader does not wait for it: events of a stream with a
//! schema queue up here, and a task of the stream works the queue off. All other events are decided about at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use ig_core::event::RowPayload;
use ig_core::id::SourceId;
use ig_core::ports::SourceError;
use ig_core::stream::Stream;
use ig_service::{TaskKind, Tasks};
use ig_transform::script::Purpose;
use ig_transform::{PayloadSchemas, Verdict};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::admitted_event::{AdmittedEvent, SchemaVerdict};
use crate::dispatcher::Dispatcher;
use crate::lanes::MemoryBudget;
use crate::tracker::Ticket;

mod queue;

use queue::{DecisionQueue, QueuedEvent};

/// How many payloads of one stream are checked at once.
const CONCURRENCY: usize = 4;
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

type Queues = HashMap<(SourceId, Stream), DecisionQueue>;

/// The decision queues of all streams.
pub(crate) struct DecisionQueues {
    dispatcher: Arc<Dispatcher>,
    schemas: Arc<PayloadSchemas>,
    queues: Mutex<Queues>,
    budget: Arc<MemoryBudget>,
    tasks: Tasks,
    stop: CancellationToken,
}

/// Why events cannot be decided about yet.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the source does not show an event that it has shown before, nor any later one")]
    SourceLags,
    #[error("another worker decided by a configuration that has not arrived here yet")]
    Configuration,
}

impl DecisionQueues {
    /// Passes events on to `dispatcher`; waiting payloads share `budget`, and `stop` ends all tasks.
    pub(crate) fn new(
        dispatcher: Arc<Dispatcher>,
        schemas: Arc<PayloadSchemas>,
        budget: Arc<MemoryBudget>,
        tasks: Tasks,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            dispatcher,
            schemas,
            queues: Mutex::default(),
            budget,
            tasks,
            stop,
        })
    }

    /// The dispatcher that decides.
    pub(crate) fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// Decides about an event at once, or queues it until its payload is checked and all earlier events of its stream are decided about.
    pub(crate) fn submit(self: &Arc<Self>, admitted: AdmittedEvent) {
        let must_wait = self.dispatcher.schema_for(&admitted).is_some() || !self.dispatcher.is_configuration_recent(&admitted);
        let mut queues = self.queues.lock();
        if !must_wait && queues.is_empty() {
            drop(queues);
            return self.decide_now(&admitted);
        }
        let key = (admitted.source().clone(), admitted.resolved.stream.clone());
        if let Some(queue) = queues.get_mut(&key) {
            return queue.push(admitted, &self.budget);
        }
        if !must_wait {
            drop(queues);
            return self.decide_now(&admitted);
        }
        queues.entry(key.clone()).or_default().push(admitted, &self.budget);
        let this = Arc::clone(self);
        self.tasks
            .spawn("decision queue", TaskKind::OneShot, async move { this.run_stream(key).await });
    }

    fn decide_now(&self, admitted: &AdmittedEvent) {
        let (trace, span) = admitted.begin_span();
        span.in_scope(|| {
            if let Some(kind) = self.dispatcher.apply_earlier_decision(admitted, &trace) {
                self.dispatcher
                    .decide(admitted, &trace, kind, SchemaVerdict::Checked(Verdict::Fine));
            }
        });
    }

    async fn run_stream(self: Arc<Self>, key: (SourceId, Stream)) {
        while let Some(mut batch) = self.next_batch(&key) {
            if !self.reload_payloads(&mut batch).await {
                continue;
            }
            let verdicts = stream::iter(batch).map(|queued| self.verdict_unless_decided(queued));
            verdicts
                .buffered(CONCURRENCY)
                .for_each(|(queued, verdict)| self.decide(queued, verdict))
                .await;
        }
    }

    /// The next events of a stream; closes an empty stream, or any stream once the worker stops.
    fn next_batch(&self, key: &(SourceId, Stream)) -> Option<Vec<QueuedEvent>> {
        let mut queues = self.queues.lock();
        let batch = queues.get_mut(key)?.next_batch();
        if batch.is_empty() || self.stop.is_cancelled() {
            queues.remove(key);
            return None;
        }
        Some(batch)
    }

    /// An event with an earlier decision is seldom decided about again, so its payload is checked only then.
    async fn verdict_unless_decided(&self, queued: QueuedEvent) -> (QueuedEvent, Option<SchemaVerdict>) {
        let verdict = match queued.admitted.resolved.earlier {
            Some(_) => None,
            None => self.schema_verdict(&queued).await,
        };
        (queued, verdict)
    }

    async fn decide(&self, queued: QueuedEvent, verdict: Option<SchemaVerdict>) {
        let admitted = &queued.admitted;
        if !self.wait_for_configuration(admitted).await {
            return;
        }
        let (trace, span) = admitted.begin_span();
        let apply = || self.dispatcher.apply_earlier_decision(admitted, &trace);
        let Some(kind) = while_leased(admitted, || span.in_scope(apply)).flatten() else {
            return;
        };
        let verdict = match verdict {
            Some(verdict) => Some(verdict),
            None => self.schema_verdict(&queued).await,
        };
        if let Some(verdict) = verdict {
            let decide = || self.dispatcher.decide(admitted, &trace, kind, verdict);
            while_leased(admitted, || span.in_scope(decide));
        }
    }

    /// Waits for the configuration by which an earlier holder decided; false once this worker has lost the event.
    async fn wait_for_configuration(&self, admitted: &AdmittedEvent) -> bool {
        let attempt = || async {
            let is_recent = self.dispatcher.is_configuration_recent(admitted);
            is_recent.then_some(()).ok_or(NotReady::Configuration)
        };
        self.retry_until_available(|| admitted.ticket.is_valid(), attempt)
            .await
            .is_some()
    }

    /// Checks a payload against the schema configured now; none once this worker has lost the event.
    async fn schema_verdict(&self, queued: &QueuedEvent) -> Option<SchemaVerdict> {
        if queued.is_deleted() {
            return Some(SchemaVerdict::RowDeleted);
        }
        let admitted = &queued.admitted;
        self.retry_until_available(|| admitted.ticket.is_valid(), || self.validate(admitted))
            .await
            .map(SchemaVerdict::Checked)
    }

    async fn validate(&self, admitted: &AdmittedEvent) -> Result<Verdict, ig_transform::TransformError> {
        let definition = self.dispatcher.schema_for(admitted);
        match (definition, &admitted.resolved.row.payload) {
            (Some(definition), RowPayload::Present(payload)) => self.schemas.validate(&definition, payload, Purpose::Live).await,
            _ => Ok(Verdict::Fine),
        }
    }

    /// Reads the rows again whose payloads were not kept; returns whether the batch can go on.
    async fn reload_payloads(&self, batch: &mut [QueuedEvent]) -> bool {
        let to_reload: Vec<_> = batch.iter_mut().filter(|queued| queued.needs_reload()).collect();
        let Some(first) = to_reload.first() else { return true };
        let state = Arc::clone(&first.admitted.state);
        let tickets: Vec<_> = to_reload.iter().map(|queued| queued.admitted.ticket.clone()).collect();
        let positions: Vec<_> = tickets.iter().map(Ticket::position).collect();
        let is_leased = || tickets.iter().any(Ticket::is_valid);
        let reading = || async {
            let ranges: Vec<_> = positions.iter().map(|position| *position..=*position).collect();
            let mut found = HashMap::new();
            for row in state.source.read_ranges(&ranges).await? {
                let row = state.with_event_id(row);
                let position = row.position;
                found.insert(position, self.dispatcher.intake().resolve(state.source.as_ref(), row).await?);
            }
            let missing = positions.iter().rfind(|position| !found.contains_key(*position));
            match missing {
                Some(last) if !state.has_shown_past(*last).await? => Err(NotReady::SourceLags),
                _ => Ok(found),
            }
        };
        let Some(mut found) = self.retry_until_available(is_leased, reading).await else {
            return false;
        };
        for queued in to_reload {
            let row = found.remove(&queued.admitted.ticket.position());
            queued.reload(row);
        }
        true
    }

    /// Retries until an attempt succeeds; none once the worker stops or has lost the events.
    async fn retry_until_available<T, E, F>(&self, is_leased: impl Fn() -> bool, attempt: impl Fn() -> F) -> Option<T>
    where
        E: std::fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut backoff = MIN_BACKOFF;
        while is_leased() {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                done = attempt() => match done {
                    Ok(done) => return Some(done),
                    Err(error) => tracing::warn!(%error, "events cannot be decided about yet; trying again"),
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        None
    }
}

/// Does a piece of work, unless the event's partition is closing or lost.
fn while_leased<T>(admitted: &AdmittedEvent, work: impl FnOnce() -> T) -> Option<T> {
    let _guard = admitted.ticket.begin_work()?;
    Some(work())
}
