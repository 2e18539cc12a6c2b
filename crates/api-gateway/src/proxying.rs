//! Inbound calls: the gateway proxies a client's request to an outside API and answers in real time.
//!
//! A call passes these steps in order: the integration by its name, the method, capacity for the call and its log, the client's address
//! and credentials, its signature, the circuit breaker, the target address, the integration's rate limit, the body within its limits, the
//! request transformation, the target, the response transformation. A [`record::CallRecord`] logs the call however it ends, also when the
//! client disconnects half-way.
//!
//! The body of a call that its client signs is read whole for the signature, within the same limits: before the breaker and the rate limit,
//! so that an unauthenticated call uses neither. A call beyond the rate limit still has its body read where it is small, and so leaves a
//! dead letter. Bodies stream unless a signature or a transformation needs all of them; a small request body is buffered, so that the call
//! can be sent again.

use std::sync::Arc;
use std::time::Duration;

use ig_core::access::Actor;
use ig_core::backoff::Backoff;
use ig_core::breaker::{DeliveryResult, ProbeId};
use ig_core::clock::{Clock, SystemClock};
use ig_core::message::MessageId;
use ig_delivery::{CircuitBreakers, Proxy, SecurityConfig};
use ig_service::{Context, TaskKind};
use ig_store::{InboundReplays, Store};

use crate::config::RuntimeConfig;
use crate::tenant_shares::Shares;

mod address;
mod admitted;
mod call;
mod client_auth;
mod content_headers;
mod forwarding;
mod headers;
mod intake;
mod matching;
mod metrics;
mod outcome;
mod record;
mod recorded_body;
mod recording;
mod responding;
mod routes;
mod shaping;

pub(crate) use call::{IncomingCall, handle};
pub(crate) use recording::Recording;

use routes::{Route, Routes};

/// The shared state of all calls.
pub(crate) struct Proxying {
    proxy: Proxy,
    routes: Routes,
    breakers: CircuitBreakers,
    recording: Recording,
    replays: InboundReplays,
    /// Capacity for calls in flight.
    calls: Arc<Shares>,
    /// Capacity in bytes for buffered bodies.
    bodies: Arc<Shares>,
    backoff: Backoff,
    context: Context,
}

impl Proxying {
    /// Assembles the proxy.
    pub(crate) fn start(
        config: &RuntimeConfig,
        security: &SecurityConfig,
        context: &Context,
        store: &Store,
        recording: Recording,
    ) -> anyhow::Result<Arc<Self>> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let switches = store.configuration().on_behalf_of(&Actor::system("api-gateway"));
        let breakers = CircuitBreakers::new(
            Arc::new(store.breakers()),
            Arc::new(switches),
            format!("api-gateway-{:016x}", rand::random::<u64>()),
            clock,
        );
        Ok(Arc::new(Self {
            proxy: Proxy::new(security)?,
            routes: Routes::default(),
            breakers,
            recording,
            replays: store.inbound_replays(),
            calls: Shares::new(config.max_calls),
            bodies: Shares::new(config.body_memory_bytes),
            backoff: Backoff::default(),
            context: context.clone(),
        }))
    }

    /// Reports the end of a call to the circuit breaker. Calls of a healthy integration skip this; others do it in the
    /// background.
    fn report_end(self: &Arc<Self>, route: &Arc<Route>, message: MessageId, ended: DeliveryResult, probe: Option<ProbeId>) {
        let routine = ended == DeliveryResult::Delivered && self.breakers.buffer_success(route.integration.id);
        if probe.is_none() && (routine || ended == DeliveryResult::Inconclusive) {
            return;
        }
        let (this, route) = (Arc::clone(self), Arc::clone(route));
        self.context.spawn("breaker of a call", TaskKind::OneShot, async move {
            let integration = route.integration.breaker_subject();
            this.breakers.record(&integration, message, ended, probe).await;
        });
    }
}

impl std::fmt::Debug for Proxying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxying").finish_non_exhaustive()
    }
}

/// When a call that was shed may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
