//! Breakers: counts what fails, holds what would fail, looks whether a target has recovered.
//!
//! The configuration says whether an integration's deliveries are held, and every process follows it. What is counted is in the
//! database, where all processes count together; each remembers of which integrations something is counted, and reads their breaker
//! before it sends. A healthy integration costs nothing but a place in a list of successes, which is told about once a second: that ends
//! rows of failures that others count.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::breaker::{Admission, Breaker, Circuit, Ended, Opened, Outcome, ProbeId, Transition};
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::IntegrationId;
use ig_core::integration::{Guarded, Hold, HoldCause};
use ig_core::message::MessageId;
use ig_core::ports::{Breakers, StoreError, Switches};
use parking_lot::Mutex;
use tokio::time::Instant;

use opening::{Opening, Turned};
use successes::Successes;

mod opening;
mod successes;

/// Whether a delivery passes.
#[derive(Debug)]
pub enum Passage {
    /// It is sent, perhaps to see whether the target has recovered.
    Send(Option<ProbeId>),
    /// It is held.
    Hold(Hold),
}

/// The breakers as this process knows them.
pub struct CircuitBreakers {
    stored: Arc<dyn Breakers>,
    opening: Opening,
    owner: String,
    /// Integrations of which failures are counted, or whose breaker is open.
    troubled: Mutex<HashMap<IntegrationId, Trouble>>,
    successes: Successes,
    clock: Arc<dyn Clock>,
}

/// What this process knows of a breaker that is not at rest.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    /// Before this moment no probe can be due.
    no_probe_before: Timestamp,
}

impl CircuitBreakers {
    /// Puts the parts together; `owner` names this process.
    pub fn new(stored: Arc<dyn Breakers>, switches: Arc<dyn Switches>, owner: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            stored,
            opening: Opening::new(switches),
            owner,
            troubled: Mutex::default(),
            successes: Successes::default(),
            clock,
        }
    }

    /// Whether a delivery is sent. A database that does not answer holds nothing up: the configuration alone decides then.
    pub async fn admit(&self, integration: &Guarded<'_>, message: MessageId) -> Passage {
        let admitted = match (integration.is_active, integration.hold) {
            (true, _) => self.admit_active(integration).await,
            (false, Some(hold)) if hold.cause == HoldCause::CircuitOpen => self.admit_open(integration, hold, message).await,
            (false, Some(hold)) => return Passage::Hold(hold.clone()),
            (false, None) => return Passage::Hold(draft(integration)),
        };
        admitted.unwrap_or_else(|error| {
            tracing::warn!(%error, integration = %integration.id, "a breaker could not be read");
            integration.hold.cloned().map_or(Passage::Send(None), Passage::Hold)
        })
    }

    /// An active integration of which failures are counted: another process may have opened the breaker a moment ago.
    async fn admit_active(&self, integration: &Guarded<'_>) -> Result<Passage, StoreError> {
        if self.trouble(integration.id).is_none() {
            return Ok(Passage::Send(None));
        }
        let breaker = self.stored.get(integration.org_id, integration.id).await?;
        self.note(integration, &breaker);
        match opened(&breaker) {
            None => Ok(Passage::Send(None)),
            Some(opened) => {
                let hold = hold(opened);
                self.opening.open(integration, &hold, self.clock.now()).await;
                Ok(Passage::Hold(hold))
            }
        }
    }

    /// An integration whose breaker is open: its delivery may be the probe.
    async fn admit_open(&self, integration: &Guarded<'_>, hold: &Hold, message: MessageId) -> Result<Passage, StoreError> {
        let (policy, now) = (integration.policy, self.clock.now());
        let Some(wait) = policy.probe_after() else {
            return Ok(Passage::Hold(hold.clone()));
        };
        let known = self.trouble(integration.id).map(|trouble| trouble.no_probe_before);
        if now < known.unwrap_or(hold.since + wait) {
            return Ok(Passage::Hold(hold.clone()));
        }
        let breaker = self.stored.get(integration.org_id, integration.id).await?;
        self.note(integration, &breaker);
        if breaker.admit(policy, now) != Admission::Probe {
            return Ok(Passage::Hold(hold.clone()));
        }
        let claimed = breaker.claim_probe(policy, &self.owner, message, integration.takes, now);
        if let Some((probe, next)) = claimed
            && self.stored.put(integration.org_id, integration.id, &next).await?
        {
            self.note(integration, &next);
            return Ok(Passage::Send(Some(probe)));
        }
        Ok(Passage::Hold(hold.clone()))
    }

    /// A delivery has ended. A probe always is news; a success is where something is counted against it.
    pub async fn ended(&self, integration: &Guarded<'_>, message: MessageId, ended: Ended, probe: Option<ProbeId>) {
        let is_news = match ended {
            Ended::Failed(_) => true,
            Ended::Delivered => {
                let is_routine = self.is_routine(integration.id);
                self.tell_of_successes().await;
                !is_routine && self.trouble(integration.id).is_some()
            }
            Ended::Untold => false,
        };
        let is_news = is_news || probe.is_some();
        if !is_news {
            return;
        }
        let outcome = Outcome { message, ended, probe };
        if let Err(error) = self.settle(integration, &outcome).await {
            tracing::warn!(%error, integration = %integration.id, "a delivery's end could not be counted");
        }
    }

    async fn settle(&self, integration: &Guarded<'_>, outcome: &Outcome) -> Result<(), StoreError> {
        loop {
            let breaker = self.stored.get(integration.org_id, integration.id).await?;
            let transition = breaker.after(outcome, self.clock.now());
            let Some(next) = next(&transition) else {
                self.note(integration, &breaker);
                return Ok(());
            };
            if self.store(integration, &transition, next).await? {
                return Ok(());
            }
        }
    }

    /// Stores a transition, with all that follows from it; false where somebody else was faster.
    async fn store(&self, integration: &Guarded<'_>, transition: &Transition, next: &Breaker) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let turned = match transition {
            Transition::Opened(breaker) => {
                let hold = opened(breaker).map(hold);
                self.opening.turn(integration, hold.as_ref(), next, now).await?
            }
            Transition::Closed(_) => self.opening.turn(integration, None, next, now).await?,
            Transition::Unchanged | Transition::Counted(_) | Transition::StillOpen(_) => {
                let stored = self.stored.put(integration.org_id, integration.id, next).await?;
                if stored { Turned::Done } else { Turned::Outrun }
            }
        };
        match turned {
            Turned::Done => self.note(integration, next),
            Turned::Outrun => return Ok(false),
            // It is counted anew, by what the integration is now.
            Turned::Stale => {}
        }
        Ok(true)
    }

    /// Notes a success of an integration, and whether that is all there is to do about it now: nothing is counted against it here, and
    /// other processes, which may count, were told of successes a moment ago.
    pub fn is_routine(&self, id: IntegrationId) -> bool {
        self.successes.gather(id);
        !self.successes.are_due(Instant::now()) && self.trouble(id).is_none()
    }

    /// Tells other processes of the successes that were gathered, about once a second and all in one write.
    async fn tell_of_successes(&self) {
        let Some(told) = self.successes.due(Instant::now()) else {
            return;
        };
        if let Err(error) = self.stored.delivered(&told, self.clock.now()).await {
            tracing::warn!(%error, "other processes could not be told of successes");
        }
    }

    fn trouble(&self, id: IntegrationId) -> Option<Trouble> {
        self.troubled.lock().get(&id).copied()
    }

    fn note(&self, integration: &Guarded<'_>, breaker: &Breaker) {
        let mut troubled = self.troubled.lock();
        if breaker.circuit == Circuit::Closed && breaker.row.is_empty() {
            troubled.remove(&integration.id);
            return;
        }
        let wait = integration.policy.probe_after().unwrap_or_default();
        let no_probe_before = match &breaker.circuit {
            Circuit::Closed => self.clock.now(),
            Circuit::Open(opened) => opened.tried_at + wait,
            // A probe may end long before its lease.
            Circuit::HalfOpen { probe, .. } => probe.expires_at.min(self.clock.now() + wait),
        };
        troubled.insert(integration.id, Trouble { no_probe_before });
    }
}

fn next(transition: &Transition) -> Option<&Breaker> {
    match transition {
        Transition::Unchanged => None,
        Transition::Counted(next) | Transition::Opened(next) | Transition::Closed(next) | Transition::StillOpen(next) => {
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

fn hold(opened: &Opened) -> Hold {
    Hold {
        cause: HoldCause::CircuitOpen,
        since: opened.since,
        reason: opened.reason.clone(),
    }
}

/// What was queued before its integration was made a draft is held like what a pause holds.
fn draft(integration: &Guarded<'_>) -> Hold {
    Hold {
        cause: HoldCause::Paused,
        since: integration.updated_at,
        reason: "the integration is not active".to_owned(),
    }
}
