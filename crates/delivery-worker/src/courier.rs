//! Makes deliveries: gives the payload its shape, sends it until it is taken or given up, and writes down what happened.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use ig_core::backoff::{Backoff, Next, after_failure};
use ig_core::clock::Clock;
use ig_core::delivery_log::Attempt;
use ig_core::event::Event;
use ig_core::id::LogId;
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::{Deliverer, Message, Prepared};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::compiled::{CompiledAction, CompiledIntegration, LiveConfiguration};
use crate::lanes::Work;
use crate::metrics;
use crate::names;
use crate::protocol::{Ending, Protocol};
use crate::recorder::Recorder;
use crate::retention::Retention;

/// Makes deliveries.
pub(crate) struct Courier {
    deliverer: Deliverer,
    configuration: Arc<LiveConfiguration>,
    recorder: Recorder,
    retention: Retention,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
}

/// The worker stops, or no longer holds the partition: whoever holds it next takes the event up again.
struct Interrupted;

impl Courier {
    /// Puts the parts together.
    pub(crate) fn new(
        deliverer: Deliverer,
        configuration: Arc<LiveConfiguration>,
        recorder: Recorder,
        retention: Retention,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            deliverer,
            configuration,
            recorder,
            retention,
            clock,
            backoff: Backoff::default(),
        })
    }

    /// The logs that the deliveries of an event will have.
    pub(crate) fn log_ids(&self, work: &Work, event: &Event) -> Vec<LogId> {
        let compiled = self.current(work);
        let actions = 0..compiled.actions.len();
        actions
            .map(|action| message_id(&compiled, event, action).log_id(event.created_at))
            .collect()
    }

    /// The integration as it is configured now; as it was when the event was matched, if it has been deleted since.
    fn current(&self, work: &Work) -> Arc<CompiledIntegration> {
        let now = self.configuration.integration(work.compiled.integration.id);
        now.unwrap_or_else(|| Arc::clone(&work.compiled))
    }

    /// Makes every delivery that an event causes through one integration, but for those that are recorded.
    pub(crate) async fn deliver(&self, work: &Work, event: &Event, recorded: &HashSet<LogId>, stop: &CancellationToken) {
        let Some(compiled) = self.configuration.integration(work.compiled.integration.id) else {
            return self.skip_deleted(work, event, recorded).await;
        };
        for index in 0..compiled.actions.len() {
            if index > 0 && !pause(compiled.integration.multi_action_delay, stop).await {
                return;
            }
            let message = message_id(&compiled, event, index);
            if recorded.contains(&message.log_id(event.created_at)) {
                continue;
            }
            if self.act(work, event, &compiled, index, message, stop).await.is_err() {
                return;
            }
        }
        work.ticket.part_done();
    }

    async fn act(
        &self,
        work: &Work,
        event: &Event,
        compiled: &CompiledIntegration,
        index: usize,
        message: MessageId,
        stop: &CancellationToken,
    ) -> Result<(), Interrupted> {
        let span = tracing::info_span!(
            names::SPAN_DELIVERY,
            { names::ORG_ID } = event.org_id.0,
            { names::INTEGRATION_ID } = %compiled.integration.id,
            { names::MESSAGE_ID } = %message,
        );
        work.trace.adopt(&span);
        let protocol = Protocol::begin(event, compiled, index, message, work.trace.trace_id(), self.clock.now());
        self.act_in_span(work, event, &compiled.actions[index], protocol, stop)
            .instrument(span)
            .await
    }

    async fn act_in_span(
        &self,
        work: &Work,
        event: &Event,
        action: &Result<CompiledAction, String>,
        mut protocol: Protocol,
        stop: &CancellationToken,
    ) -> Result<(), Interrupted> {
        let ending = match shape(event, action, &mut protocol) {
            Ok((action, body)) => self.send_until_settled(work, action, body, &mut protocol, stop).await?,
            Err(failure) => Ending::GivenUp(failure),
        };
        self.record(work, event, protocol, ending).await;
        Ok(())
    }

    async fn record(&self, work: &Work, event: &Event, protocol: Protocol, ending: Ending) {
        let now = self.clock.now();
        let entry = protocol.conclude(ending, now, self.retention.expires(Some(event.org_id), now));
        work.ticket.expect(1);
        let room = self.recorder.room().await;
        self.recorder.record(entry, Some(work.ticket.clone()), room);
    }

    /// An integration that was deleted while its event waited gets nothing; that is written down too.
    async fn skip_deleted(&self, work: &Work, event: &Event, recorded: &HashSet<LogId>) {
        let message = message_id(&work.compiled, event, 0);
        if !recorded.contains(&message.log_id(event.created_at)) {
            let protocol = Protocol::begin(event, &work.compiled, 0, message, work.trace.trace_id(), self.clock.now());
            self.record(work, event, protocol, Ending::Deleted).await;
        }
        work.ticket.part_done();
    }

    async fn send_until_settled(
        &self,
        work: &Work,
        action: &CompiledAction,
        body: Bytes,
        protocol: &mut Protocol,
        stop: &CancellationToken,
    ) -> Result<Ending, Interrupted> {
        let prepared = action.template.prepare(Message {
            id: protocol.message_id(),
            correlation_id: work.trace.trace_id().to_owned(),
            trace_parent: None,
            body,
        });
        loop {
            if !work.ticket.holds() {
                return Err(Interrupted);
            }
            let attempt = self.attempt(work, &prepared, protocol).await;
            metrics::attempted(&attempt);
            let Some(failure) = protocol.attempted(attempt) else {
                return Ok(Ending::Delivered);
            };
            let allowed = u32::from(protocol.attempts_allowed());
            let next = after_failure(&failure, protocol.attempts_made(), allowed, &self.backoff, &mut rand::rng());
            match next {
                Next::RetryIn(delay) if pause(delay, stop).await => {}
                Next::RetryIn(_) => return Err(Interrupted),
                Next::DeadLetter { due_in } => return Ok(Ending::Parked { failure, due_in }),
                Next::GiveUp => return Ok(Ending::GivenUp(failure)),
            }
        }
    }

    async fn attempt(&self, work: &Work, prepared: &Prepared, protocol: &mut Protocol) -> Attempt {
        let span = tracing::info_span!(
            names::SPAN_ATTEMPT,
            otel.kind = "client",
            ig.attempt = protocol.attempts_made() + 1
        );
        let prepared = prepared.with_trace_parent(work.trace.traceparent(&span));
        let exchange = prepared.sign(self.clock.now()).send(&self.deliverer).instrument(span).await;
        protocol.sent(exchange.request_headers, exchange.signature);
        exchange.attempt
    }
}

fn message_id(compiled: &CompiledIntegration, event: &Event, action: usize) -> MessageId {
    let index = u16::try_from(action).unwrap_or(u16::MAX);
    MessageId::derive(&event.source, &event.id, compiled.integration.id, index)
}

/// Gives the payload its shape, where the integration can deliver at all.
fn shape<'a>(
    event: &Event,
    action: &'a Result<CompiledAction, String>,
    protocol: &mut Protocol,
) -> Result<(&'a CompiledAction, Bytes), Failure> {
    let action = action
        .as_ref()
        .map_err(|reason| Failure::new(ErrorCategory::Config, reason.clone()))?;
    let began = Instant::now();
    let shaped = tracing::info_span!(names::SPAN_TRANSFORM).in_scope(|| action.transformation.apply(&event.payload));
    let body = shaped.map_err(|error| Failure::new(ErrorCategory::Transformation, error.to_string()));
    protocol.shaped(began.elapsed(), body.as_ref());
    Ok((action, body?))
}

/// Waits; `false` when the worker stops meanwhile.
async fn pause(delay: std::time::Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(delay) => true,
    }
}
