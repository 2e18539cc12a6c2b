//! Makes one delivery: gives the payload its shape, sends it until it is taken or given up, and tells what is to be written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ig_core::backoff::{Backoff, Next, after_failure};
use ig_core::breaker::Ended;
use ig_core::clock::Clock;
use ig_core::delivery_log::{Attempt, TriggerType};
use ig_core::event::Event;
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use ig_delivery::{Deliverer, Message, Passage, Prepared, Token};
use ig_transform::{CompiledCondition, Refusal, Subject, Told, TransformError, Transformer};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::compiled::{CompiledAction, CompiledIntegration};
use crate::delivery_record::{Ending, Protocol};
use crate::event_trace::EventTrace;
use crate::gate::{Gate, Room};
use crate::metrics;
use crate::names;
use crate::retention::Retention;
use crate::tracker::Ticket;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Between two looks of what waits whether it may still be worked on.
const STILL_HELD: Duration = Duration::from_secs(1);

/// Makes deliveries.
pub(crate) struct Maker {
    deliverer: Deliverer,
    transformer: Transformer,
    gate: Arc<Gate>,
    retention: Retention,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
}

/// One delivery to be made.
pub(crate) struct Assignment<'a> {
    /// What it is about.
    pub event: &'a Event,
    /// What it is for.
    pub compiled: &'a CompiledIntegration,
    /// The action's place in the sequence.
    pub index: usize,
    /// Its identity.
    pub message: MessageId,
    /// The trace that it belongs to.
    pub trace: &'a EventTrace,
    /// What caused it.
    pub trigger: TriggerType,
    /// The most requests that are sent.
    pub attempts: u8,
    /// For how long it may be worked on.
    pub hold: Hold<'a>,
}

/// For how long something may be worked on: until the worker stops, or no longer holds the event's partition.
#[derive(Clone, Copy)]
pub(crate) struct Hold<'a> {
    /// The event's share in its partition's progress, where it has one.
    pub ticket: Option<&'a Ticket>,
    /// The worker's stop.
    pub stop: &'a CancellationToken,
}

impl Hold<'_> {
    /// Whether it may still be worked on.
    pub(crate) fn holds(self) -> bool {
        !self.stop.is_cancelled() && self.ticket.is_none_or(Ticket::holds)
    }

    /// Waits for as long as it may be worked on; the error is the end of that.
    pub(crate) async fn pause(self, delay: Duration) -> Result<(), Interrupted> {
        let began = Instant::now();
        while self.holds() {
            let left = delay.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(left.min(STILL_HELD)) => {}
            }
        }
        Err(Interrupted)
    }
}

/// The worker stops, or no longer holds the partition: whoever holds it next takes the event up again.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl Maker {
    /// Puts the parts together.
    pub(crate) fn new(
        deliverer: Deliverer,
        transformer: Transformer,
        gate: Arc<Gate>,
        retention: Retention,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            deliverer,
            transformer,
            gate,
            retention,
            clock,
            backoff: Backoff::default(),
        })
    }

    /// Makes a delivery; answers what is to be written down of it.
    pub(crate) async fn make(&self, assignment: &Assignment<'_>) -> Result<JournalEntry, Interrupted> {
        let span = tracing::info_span!(
            names::SPAN_DELIVERY,
            { names::ORG_ID } = assignment.event.org_id.0,
            { names::INTEGRATION_ID } = %assignment.compiled.integration.id,
            { names::MESSAGE_ID } = %assignment.message,
        );
        assignment.trace.adopt(&span);
        self.make_in_span(assignment).instrument(span).await
    }

    async fn make_in_span(&self, assignment: &Assignment<'_>) -> Result<JournalEntry, Interrupted> {
        let mut protocol = Protocol::begin(assignment, self.clock.now());
        let wanted = self.wanted(assignment, &mut protocol).await?;
        let ending = match wanted {
            Err(skipped @ Ending::Skipped(_)) => skipped,
            wanted if assignment.trigger == TriggerType::Manual => self.ending(assignment, wanted, &mut protocol).await?,
            wanted => self.ending_behind_breaker(assignment, wanted, &mut protocol).await?,
        };
        Ok(self.conclude(assignment, protocol, ending))
    }

    /// A person who tries a delivery wants to see it sent; all others pass the breaker, and what comes of them counts. What fails before
    /// it is sent is held too: that may be why somebody has paused the integration.
    async fn ending_behind_breaker(
        &self,
        assignment: &Assignment<'_>,
        wanted: Result<&CompiledAction, Ending>,
        protocol: &mut Protocol,
    ) -> Result<Ending, Interrupted> {
        let (integration, message) = (assignment.compiled.guarded(), assignment.message);
        let probe = match self.gate.breakers.admit(&integration, message).await {
            Passage::Send(probe) => probe,
            Passage::Hold(hold) => return Ok(Ending::Held(hold)),
        };
        let ending = self.ending(assignment, wanted, protocol).await;
        let told = ending.as_ref().map_or(Ended::Untold, told);
        self.gate.breakers.ended(&integration, message, told, probe).await;
        ending
    }

    /// Nothing is sent; that is written down too.
    pub(crate) fn skip(&self, assignment: &Assignment<'_>, reason: &'static str) -> JournalEntry {
        let protocol = Protocol::begin(assignment, self.clock.now());
        self.conclude(assignment, protocol, Ending::Skipped(reason))
    }

    /// Nothing can be sent, and trying again would not help; that is written down too.
    pub(crate) fn give_up(&self, assignment: &Assignment<'_>, failure: Failure) -> JournalEntry {
        let protocol = Protocol::begin(assignment, self.clock.now());
        self.conclude(assignment, protocol, Ending::GivenUp(failure))
    }

    /// Nothing can be sent, since the event is gone; that is written down too.
    pub(crate) fn lose(&self, assignment: &Assignment<'_>, failure: Failure) -> JournalEntry {
        let protocol = Protocol::begin(assignment, self.clock.now());
        self.conclude(assignment, protocol, Ending::Gone(failure))
    }

    fn conclude(&self, assignment: &Assignment<'_>, protocol: Protocol, ending: Ending) -> JournalEntry {
        let (now, org) = (self.clock.now(), assignment.event.org_id);
        protocol.conclude(
            ending,
            now,
            self.retention.expires(Some(org), now),
            self.retention.retry_policy(org),
        )
    }

    /// The action, where its conditions are met; or how the delivery ends without it.
    async fn wanted<'a>(
        &self,
        assignment: &Assignment<'a>,
        protocol: &mut Protocol,
    ) -> Result<Result<&'a CompiledAction, Ending>, Interrupted> {
        let action = match &assignment.compiled.actions[assignment.index] {
            Ok(action) => action,
            Err(reason) => return Ok(Err(Ending::GivenUp(Failure::new(ErrorCategory::Config, reason.clone())))),
        };
        for (condition, otherwise) in &action.conditions {
            match self.judge(assignment, condition, protocol).await? {
                Ok(true) => {}
                Ok(false) => return Ok(Err(Ending::Skipped(otherwise))),
                Err(ending) => return Ok(Err(ending)),
            }
        }
        Ok(Ok(action))
    }

    async fn ending(
        &self,
        assignment: &Assignment<'_>,
        wanted: Result<&CompiledAction, Ending>,
        protocol: &mut Protocol,
    ) -> Result<Ending, Interrupted> {
        let action = match wanted {
            Ok(action) => action,
            Err(ending) => return Ok(ending),
        };
        match self.shape(assignment, action, protocol).await? {
            Ok(Some(body)) => self.send_until_settled(assignment, action, body, protocol).await,
            Ok(None) => Ok(Ending::Skipped("the script returned null")),
            Err(ending) => Ok(ending),
        }
    }

    async fn judge(
        &self,
        assignment: &Assignment<'_>,
        condition: &CompiledCondition,
        protocol: &mut Protocol,
    ) -> Result<Result<bool, Ending>, Interrupted> {
        let subject = self.subject(assignment);
        let began = Instant::now();
        let ask = || self.transformer.judge(condition, &assignment.event.payload, &subject);
        let (judged, console) = insist(assignment.hold, ask).await?;
        let judged = judged.map_err(|unshaped| (failure(&unshaped), unshaped));
        protocol.judged(began.elapsed(), judged.as_ref().map_err(|(failure, _)| failure), console);
        Ok(judged.map_err(|(failure, unshaped)| self.without_shape(failure, &unshaped)))
    }

    /// Gives the payload its shape; nothing where there is nothing to send.
    async fn shape(
        &self,
        assignment: &Assignment<'_>,
        action: &CompiledAction,
        protocol: &mut Protocol,
    ) -> Result<Result<Option<Bytes>, Ending>, Interrupted> {
        let subject = self.subject(assignment);
        let began = Instant::now();
        let ask = || self.transformer.shape(&action.shape, &assignment.event.payload, &subject);
        let span = tracing::info_span!(names::SPAN_TRANSFORM);
        let (shaped, console) = insist(assignment.hold, ask).instrument(span).await?;
        let shaped = shaped.map_err(|unshaped| (failure(&unshaped), unshaped));
        protocol.shaped(began.elapsed(), shaped.as_ref().map_err(|(failure, _)| failure), console);
        Ok(shaped.map_err(|(failure, unshaped)| self.without_shape(failure, &unshaped)))
    }

    /// How a delivery ends whose payload was not given its shape. A script that is disabled has said nothing about the payload: it waits
    /// until the script is run again.
    fn without_shape(&self, failure: Failure, unshaped: &Unshaped) -> Ending {
        match unshaped {
            Unshaped::Refused(_) => Ending::GivenUp(failure),
            Unshaped::Disabled(_, left) => Ending::Disabled {
                failure,
                until: self.clock.now() + *left,
            },
        }
    }

    fn subject<'a>(&self, assignment: &'a Assignment<'_>) -> Subject<'a> {
        Subject {
            org_id: assignment.event.org_id,
            entity_rid: assignment.event.entity_rid,
            integration: assignment.compiled.integration.id,
            event_type: &assignment.event.event_type,
            now: self.clock.now(),
        }
    }

    async fn send_until_settled(
        &self,
        assignment: &Assignment<'_>,
        action: &CompiledAction,
        body: Bytes,
        protocol: &mut Protocol,
    ) -> Result<Ending, Interrupted> {
        let prepared = action.template.prepare(Message {
            id: assignment.message,
            correlation_id: assignment.trace.trace_id().to_owned(),
            trace_parent: None,
            body,
        });
        let mut may_refresh = true;
        loop {
            if let Room::At(until) = self
                .gate
                .limits
                .room(&assignment.compiled.integration, assignment.hold)
                .await?
            {
                return Ok(Ending::Limited(until));
            }
            if !assignment.hold.holds() {
                return Err(Interrupted);
            }
            let (attempt, token) = self.attempt(assignment, &prepared, protocol).await;
            metrics::attempted(&attempt);
            let Some(failure) = protocol.attempted(attempt) else {
                return Ok(Ending::Delivered);
            };
            if let Some(refused) = token
                && failure.category == ErrorCategory::Auth
                && std::mem::take(&mut may_refresh)
            {
                prepared.refuse_token(&refused, &self.deliverer);
                continue;
            }
            let allowed = u32::from(assignment.attempts);
            let next = after_failure(&failure, protocol.attempts_made(), allowed, &self.backoff, &mut rand::rng());
            match next {
                Next::RetryIn(delay) => assignment.hold.pause(delay).await?,
                Next::DeadLetter { due_in } => return Ok(Ending::Parked { failure, due_in }),
                Next::GiveUp => return Ok(Ending::GivenUp(failure)),
            }
        }
    }

    async fn attempt(
        &self,
        assignment: &Assignment<'_>,
        prepared: &Prepared,
        protocol: &mut Protocol,
    ) -> (Attempt, Option<Token>) {
        let span = tracing::info_span!(
            names::SPAN_ATTEMPT,
            otel.kind = "client",
            ig.attempt = protocol.attempts_made() + 1
        );
        let prepared = prepared.with_trace_parent(assignment.trace.traceparent(&span));
        let exchange = prepared.sign(self.clock.now()).send(&self.deliverer).instrument(span).await;
        protocol.sent(exchange.request_headers, exchange.signature, exchange.broken);
        (exchange.attempt, exchange.token)
    }
}

/// Why a question about a payload has no answer.
#[derive(Debug)]
pub(crate) enum Unshaped {
    /// The payload is refused.
    Refused(Refusal),
    /// The script is not run for so long.
    Disabled(Refusal, Duration),
}

/// Asks until there is an answer. That no script could be run, or that the lookup tables could not be read, is no verdict about a
/// payload: it waits.
pub(crate) async fn insist<T, F>(hold: Hold<'_>, ask: impl Fn() -> F) -> Result<(Result<T, Unshaped>, Vec<String>), Interrupted>
where
    F: Future<Output = Told<T>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let Told { result, console } = ask().await;
        let reason = match result {
            Ok(value) => return Ok((Ok(value), console)),
            Err(TransformError::Refused(refusal)) => return Ok((Err(Unshaped::Refused(refusal)), console)),
            Err(TransformError::Disabled(refusal, left)) => return Ok((Err(Unshaped::Disabled(refusal, left)), console)),
            Err(TransformError::Unavailable(reason)) => reason,
        };
        if !hold.holds() {
            return Err(Interrupted);
        }
        tracing::warn!(reason, "a payload cannot be given its shape yet; trying again");
        hold.pause(pause).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What an ending tells the breaker. A payload that cannot be given its shape says nothing about the target, and neither does what was
/// not sent.
fn told(ending: &Ending) -> Ended {
    match ending {
        Ending::Delivered => Ended::Delivered,
        Ending::Parked { failure, .. } | Ending::GivenUp(failure) if failure.category != ErrorCategory::Transformation => {
            Ended::Failed(failure.message.clone())
        }
        Ending::Parked { .. }
        | Ending::GivenUp(_)
        | Ending::Gone(_)
        | Ending::Held(_)
        | Ending::Limited(_)
        | Ending::Disabled { .. }
        | Ending::Skipped(_) => Ended::Untold,
    }
}

fn failure(unshaped: &Unshaped) -> Failure {
    let (Unshaped::Refused(refusal) | Unshaped::Disabled(refusal, _)) = unshaped;
    Failure::new(ErrorCategory::Transformation, refusal.to_string())
}
