//! Circuit breakers: count failures, hold deliveries that would fail, and probe whether a target has recovered.
//!
//! The configuration says whether an integration's deliveries are held, and every process follows it. Failures are counted in the database,
//! where all processes count together. Each process remembers which integrations have failures counted against them, and reads their
//! breakers before it sends. A healthy integration costs one entry in a buffer of successes, which is flushed about once a second; a
//! flushed success ends the row of failures that other processes have counted.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::breaker::{Breaker, BreakerPermission, Circuit, DeliveryResult, FinishedDelivery, Opened, ProbeId, Transition};
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::IntegrationId;
use ig_core::integration::{BreakerSubject, Hold, HoldCause};
use ig_core::message::MessageId;
use ig_core::ports::{Breakers, StoreError, Switches};
use parking_lot::Mutex;
use tokio::time::Instant;

use integration_switch::{IntegrationSwitch, SwitchOutcome};
use success_buffer::SuccessBuffer;

mod integration_switch;
mod success_buffer;

/// Whether a delivery may be sent.
#[derive(Debug)]
pub enum BreakerDecision {
    /// Send it, as the probe where there is an id.
    Send(Option<ProbeId>),
    /// Hold it.
    Hold(Hold),
}

/// The breakers, as far as this process knows them.
pub struct CircuitBreakers {
    breakers: Arc<dyn Breakers>,
    switch: IntegrationSwitch,
    owner: String,
    /// Integrations with counted failures or an open breaker.
    tracked: Mutex<HashMap<IntegrationId, TrackedBreaker>>,
    successes: SuccessBuffer,
    clock: Arc<dyn Clock>,
}

/// What this process knows of a breaker that is not at rest.
#[derive(Debug, Clone, Copy)]
struct TrackedBreaker {
    /// No probe is due before this moment.
    no_probe_before: Timestamp,
}

impl CircuitBreakers {
    /// `owner` names this process as the holder of probes.
    pub fn new(breakers: Arc<dyn Breakers>, switches: Arc<dyn Switches>, owner: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            breakers,
            switch: IntegrationSwitch::new(switches),
            owner,
            tracked: Mutex::default(),
            successes: SuccessBuffer::default(),
            clock,
        }
    }

    /// Whether a delivery is sent. Without an answer from the database the configuration alone decides.
    pub async fn admit(&self, integration: &BreakerSubject<'_>, message: MessageId) -> BreakerDecision {
        let decision = match (integration.is_active, integration.hold) {
            (true, _) => self.decide_for_active(integration).await,
            (false, Some(hold)) if hold.cause == HoldCause::CircuitOpen => self.decide_for_open(integration, hold, message).await,
            (false, Some(hold)) => return BreakerDecision::Hold(hold.clone()),
            (false, None) => return BreakerDecision::Hold(inactive_hold(integration)),
        };
        decision.unwrap_or_else(|error| {
            tracing::warn!(%error, integration = %integration.id, "a breaker could not be read");
            integration
                .hold
                .cloned()
                .map_or(BreakerDecision::Send(None), BreakerDecision::Hold)
        })
    }

    /// Reads the breaker of an active integration with counted failures: another process may have opened it a moment ago.
    async fn decide_for_active(&self, integration: &BreakerSubject<'_>) -> Result<BreakerDecision, StoreError> {
        if self.tracked_breaker(integration.id).is_none() {
            return Ok(BreakerDecision::Send(None));
        }
        let breaker = self.breakers.get(integration.org_id, integration.id).await?;
        self.track(integration, &breaker);
        match opened(&breaker) {
            None => Ok(BreakerDecision::Send(None)),
            Some(opened) => {
                let hold = circuit_open_hold(opened);
                self.switch.hold(integration, &hold, self.clock.now()).await;
                Ok(BreakerDecision::Hold(hold))
            }
        }
    }

    /// The delivery of an integration whose breaker is open may become the probe.
    async fn decide_for_open(
        &self,
        integration: &BreakerSubject<'_>,
        hold: &Hold,
        message: MessageId,
    ) -> Result<BreakerDecision, StoreError> {
        let (policy, now) = (integration.policy, self.clock.now());
        let Some(wait) = policy.probe_after() else {
            return Ok(BreakerDecision::Hold(hold.clone()));
        };
        let known = self.tracked_breaker(integration.id).map(|tracked| tracked.no_probe_before);
        if now < known.unwrap_or(hold.since + wait) {
            return Ok(BreakerDecision::Hold(hold.clone()));
        }
        let breaker = self.breakers.get(integration.org_id, integration.id).await?;
        self.track(integration, &breaker);
        if breaker.permission(policy, now) != BreakerPermission::Probe {
            return Ok(BreakerDecision::Hold(hold.clone()));
        }
        let claimed = breaker.claim_probe(policy, &self.owner, message, integration.max_duration, now);
        if let Some((probe, next)) = claimed
            && self.breakers.put(integration.org_id, integration.id, &next).await?
        {
            self.track(integration, &next);
            return Ok(BreakerDecision::Send(Some(probe)));
        }
        Ok(BreakerDecision::Hold(hold.clone()))
    }

    /// Records how a delivery ended. The end of a probe always counts; a success counts where failures are counted.
    pub async fn record(
        &self,
        integration: &BreakerSubject<'_>,
        message: MessageId,
        result: DeliveryResult,
        probe: Option<ProbeId>,
    ) {
        let is_counted = match result {
            DeliveryResult::Failed(_) => true,
            DeliveryResult::Delivered => {
                let is_routine = self.buffer_success(integration.id);
                self.flush_successes().await;
                !is_routine && self.tracked_breaker(integration.id).is_some()
            }
            DeliveryResult::Inconclusive => false,
        };
        let is_counted = is_counted || probe.is_some();
        if !is_counted {
            return;
        }
        let delivery = FinishedDelivery { message, result, probe };
        if let Err(error) = self.count_delivery(integration, &delivery).await {
            tracing::warn!(%error, integration = %integration.id, "a delivery's end could not be counted");
        }
    }

    async fn count_delivery(&self, integration: &BreakerSubject<'_>, delivery: &FinishedDelivery) -> Result<(), StoreError> {
        loop {
            let breaker = self.breakers.get(integration.org_id, integration.id).await?;
            let transition = breaker.transition(delivery, self.clock.now());
            let Some(next) = changed_breaker(&transition) else {
                self.track(integration, &breaker);
                return Ok(());
            };
            if self.store_transition(integration, &transition, next).await? {
                return Ok(());
            }
        }
    }

    /// Stores a transition and applies its consequences; false where another process changed the breaker first.
    async fn store_transition(
        &self,
        integration: &BreakerSubject<'_>,
        transition: &Transition,
        next: &Breaker,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let outcome = match transition {
            Transition::Opened(breaker) => {
                let hold = opened(breaker).map(circuit_open_hold);
                self.switch.apply(integration, hold.as_ref(), next, now).await?
            }
            Transition::Closed(_) => self.switch.apply(integration, None, next, now).await?,
            Transition::Unchanged | Transition::StreakChanged(_) | Transition::StillOpen(_) => {
                let stored = self.breakers.put(integration.org_id, integration.id, next).await?;
                if stored {
                    SwitchOutcome::Applied
                } else {
                    SwitchOutcome::Conflict
                }
            }
        };
        match outcome {
            SwitchOutcome::Applied => self.track(integration, next),
            SwitchOutcome::Conflict => return Ok(false),
            // The end is counted again under the integration's new configuration.
            SwitchOutcome::Stale => {}
        }
        Ok(true)
    }

    /// Buffers a success, and returns whether nothing else has to be done about it now: no failure is counted here, and the last flush
    /// informed the other processes, which may count some.
    pub fn buffer_success(&self, id: IntegrationId) -> bool {
        self.successes.add(id);
        !self.successes.is_flush_due(Instant::now()) && self.tracked_breaker(id).is_none()
    }

    /// Writes the buffered successes for the other processes, about once a second and in one write.
    async fn flush_successes(&self) {
        let Some(flushed) = self.successes.take_due(Instant::now()) else {
            return;
        };
        if let Err(error) = self.breakers.delivered(&flushed, self.clock.now()).await {
            tracing::warn!(%error, "other processes could not be told of successes");
        }
    }

    fn tracked_breaker(&self, id: IntegrationId) -> Option<TrackedBreaker> {
        self.tracked.lock().get(&id).copied()
    }

    fn track(&self, integration: &BreakerSubject<'_>, breaker: &Breaker) {
        let mut tracked = self.tracked.lock();
        if breaker.circuit == Circuit::Closed && breaker.failure_streak.is_empty() {
            tracked.remove(&integration.id);
            return;
        }
        let wait = integration.policy.probe_after().unwrap_or_default();
        let no_probe_before = match &breaker.circuit {
            Circuit::Closed => self.clock.now(),
            Circuit::Open(opened) => opened.tried_at + wait,
            // A probe may end long before its lease.
            Circuit::HalfOpen { probe, .. } => probe.expires_at.min(self.clock.now() + wait),
        };
        tracked.insert(integration.id, TrackedBreaker { no_probe_before });
    }
}

fn changed_breaker(transition: &Transition) -> Option<&Breaker> {
    match transition {
        Transition::Unchanged => None,
        Transition::StreakChanged(next) | Transition::Opened(next) | Transition::Closed(next) | Transition::StillOpen(next) => {
            Some(next)
        }
    }
}

fn opened(breaker: &Breaker) -> Option<&Opened> {
    match &breaker.circuit {
        Circuit::Closed => None,
        Circuit::Open(opened) | Circuit::HalfOpen { opened, .. } => Some(opened),
    }
}

fn circuit_open_hold(opened: &Opened) -> Hold {
    Hold {
        cause: HoldCause::CircuitOpen,
        since: opened.since,
        reason: opened.reason.clone(),
    }
}

/// A delivery queued before its integration became a draft is held as if the integration were paused.
fn inactive_hold(integration: &BreakerSubject<'_>) -> Hold {
    Hold {
        cause: HoldCause::Paused,
        since: integration.updated_at,
        reason: "the integration is not active".to_owned(),
    }
}
