//! What an event waits for between the reader and the decision, in its stream's order: its payload is held against a schema, and what
//! another worker decided by a newer configuration waits until that has arrived.
//!
//! A schema is a tenant's program, and may take its time over a payload. So the reader does not wait for it: events of a stream whose
//! payloads are held against one queue up here, and a task of the stream works them off while there are any. Everything else is decided
//! about at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use ig_core::event::RowPayload;
use ig_core::id::SourceId;
use ig_core::ports::SourceError;
use ig_core::stream::Stream;
use ig_service::{Fate, Tasks};
use ig_transform::script::Purpose;
use ig_transform::{PayloadSchemas, Verdict};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::admitted_event::{Judged, Taken};
use crate::dispatcher::Dispatch;
use crate::lanes::Budget;
use crate::tracker::Ticket;

mod queue;

use queue::{Queue, Waiting};

/// How many payloads of one stream are held against their schema at once.
const CONCURRENCY: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Queues = HashMap<(SourceId, Stream), Queue>;

/// Every stream that has payloads to be held against a schema.
pub(crate) struct Judging {
    dispatch: Arc<Dispatch>,
    schemas: Arc<PayloadSchemas>,
    queues: Mutex<Queues>,
    budget: Arc<Budget>,
    tasks: Tasks,
    stop: CancellationToken,
}

/// Why events cannot be decided about yet.
#[derive(Debug, thiserror::Error)]
enum NotYet {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the source does not show an event that it has shown before, nor any later one")]
    Behind,
    #[error("another worker decided by a configuration that has not arrived here yet")]
    Configuration,
}

impl Judging {
    /// Hands to `dispatch` what may be decided about; waiting payloads share a budget, and `stop` ends it all.
    pub(crate) fn new(
        dispatch: Arc<Dispatch>,
        schemas: Arc<PayloadSchemas>,
        budget: Arc<Budget>,
        tasks: Tasks,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            dispatch,
            schemas,
            queues: Mutex::default(),
            budget,
            tasks,
            stop,
        })
    }

    /// Who decides.
    pub(crate) fn dispatch(&self) -> &Arc<Dispatch> {
        &self.dispatch
    }

    /// Has an event decided about: at once, or when its payload was held against its schema and all before it in its stream are decided
    /// about.
    pub(crate) fn take_up(self: &Arc<Self>, taken: Taken) {
        let has_to_wait = self.dispatch.to_hold_against(&taken).is_some() || !self.dispatch.is_configuration_recent(&taken);
        let mut queues = self.queues.lock();
        if !has_to_wait && queues.is_empty() {
            drop(queues);
            return self.decide_at_once(&taken);
        }
        let key = (taken.source().clone(), taken.addressed.stream.clone());
        if let Some(queue) = queues.get_mut(&key) {
            return queue.push(taken, &self.budget);
        }
        if !has_to_wait {
            drop(queues);
            return self.decide_at_once(&taken);
        }
        queues.entry(key.clone()).or_default().push(taken, &self.budget);
        let judging = Arc::clone(self);
        self.tasks
            .spawn("judging", Fate::Finishes, async move { judging.work_off(key).await });
    }

    fn decide_at_once(&self, taken: &Taken) {
        let (trace, span) = taken.begin();
        span.in_scope(|| {
            if let Some(undecided) = self.dispatch.abide_by_earlier(taken, &trace) {
                self.dispatch.decide(taken, &trace, undecided, Judged::Verdict(Verdict::Fine));
            }
        });
    }

    async fn work_off(self: Arc<Self>, key: (SourceId, Stream)) {
        while let Some(mut turn) = self.next_turn(&key) {
            if !self.read_again(&mut turn).await {
                continue;
            }
            let judged = stream::iter(turn).map(|waiting| self.judged_unless_decided(waiting));
            judged
                .buffered(CONCURRENCY)
                .for_each(|(waiting, judged)| self.decide(waiting, judged))
                .await;
        }
    }

    /// The next events of a stream; one that has none, or has to stop, is closed.
    fn next_turn(&self, key: &(SourceId, Stream)) -> Option<Vec<Waiting>> {
        let mut queues = self.queues.lock();
        let turn = queues.get_mut(key)?.take();
        if turn.is_empty() || self.stop.is_cancelled() {
            queues.remove(key);
            return None;
        }
        Some(turn)
    }

    /// What was decided about before is seldom decided again, so it is not judged before that is known.
    async fn judged_unless_decided(&self, waiting: Waiting) -> (Waiting, Option<Judged>) {
        let judged = match waiting.taken.addressed.earlier {
            Some(_) => None,
            None => self.judged(&waiting).await,
        };
        (waiting, judged)
    }

    async fn decide(&self, waiting: Waiting, judged: Option<Judged>) {
        let taken = &waiting.taken;
        if !self.has_recent_configuration(taken).await {
            return;
        }
        let (trace, span) = taken.begin();
        let abide = || self.dispatch.abide_by_earlier(taken, &trace);
        let Some(undecided) = work_on(taken, || span.in_scope(abide)).flatten() else {
            return;
        };
        let judged = match judged {
            Some(judged) => Some(judged),
            None => self.judged(&waiting).await,
        };
        if let Some(judged) = judged {
            let decide = || self.dispatch.decide(taken, &trace, undecided, judged);
            work_on(taken, || span.in_scope(decide));
        }
    }

    /// Waits for the configuration by which an earlier holder decided; false where the event is not this worker's any more.
    async fn has_recent_configuration(&self, taken: &Taken) -> bool {
        let attempt = || async {
            let is_recent = self.dispatch.is_configuration_recent(taken);
            is_recent.then_some(()).ok_or(NotYet::Configuration)
        };
        self.insist(|| taken.ticket.holds(), attempt).await.is_some()
    }

    /// Holds a payload against the schema that is configured now; nothing where the event is not this worker's any more.
    async fn judged(&self, waiting: &Waiting) -> Option<Judged> {
        if waiting.is_gone() {
            return Some(Judged::RowGone);
        }
        let taken = &waiting.taken;
        self.insist(|| taken.ticket.holds(), || self.held_against_schema(taken))
            .await
            .map(Judged::Verdict)
    }

    async fn held_against_schema(&self, taken: &Taken) -> Result<Verdict, ig_transform::TransformError> {
        let definition = self.dispatch.to_hold_against(taken);
        match (definition, &taken.addressed.row.payload) {
            (Some(definition), RowPayload::Present(payload)) => self.schemas.judge(&definition, payload, Purpose::Live).await,
            _ => Ok(Verdict::Fine),
        }
    }

    /// Reads the rows again whose payloads were not kept; whether the turn can go on.
    async fn read_again(&self, turn: &mut [Waiting]) -> bool {
        let away: Vec<_> = turn.iter_mut().filter(|waiting| waiting.is_away()).collect();
        let Some(first) = away.first() else { return true };
        let state = Arc::clone(&first.taken.state);
        let tickets: Vec<_> = away.iter().map(|waiting| waiting.taken.ticket.clone()).collect();
        let positions: Vec<_> = tickets.iter().map(Ticket::position).collect();
        let holds = || tickets.iter().any(Ticket::holds);
        let reading = || async {
            let ranges: Vec<_> = positions.iter().map(|position| *position..=*position).collect();
            let mut found = HashMap::new();
            for row in state.source.read_ranges(&ranges).await? {
                let row = state.named(row);
                let position = row.position;
                found.insert(position, self.dispatch.intake().address(state.source.as_ref(), row).await?);
            }
            let missing = positions.iter().rfind(|position| !found.contains_key(*position));
            match missing {
                Some(last) if !state.has_passed(*last).await? => Err(NotYet::Behind),
                _ => Ok(found),
            }
        };
        let Some(mut found) = self.insist(holds, reading).await else {
            return false;
        };
        for waiting in away {
            let row = found.remove(&waiting.taken.ticket.position());
            waiting.read_again(row);
        }
        true
    }

    /// Tries until it works; nothing where the worker stops or the events are not its own any more.
    async fn insist<T, E, F>(&self, holds: impl Fn() -> bool, attempt: impl Fn() -> F) -> Option<T>
    where
        E: std::fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut pause = FIRST_PAUSE;
        while holds() {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                done = attempt() => match done {
                    Ok(done) => return Some(done),
                    Err(error) => tracing::warn!(%error, "events cannot be decided about yet; trying again"),
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }
}

/// Does a piece of work, unless the event's partition is about to be given back or is lost.
fn work_on<T>(taken: &Taken, work: impl FnOnce() -> T) -> Option<T> {
    let _working = taken.ticket.begin_work()?;
    Some(work())
}
