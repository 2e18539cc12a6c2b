//! What every test needs: an integration, a message, a deliverer that may reach this machine.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use ig_core::breaker::BreakerPolicy;
use ig_core::clock::{Clock as _, SystemClock, Timestamp};
use ig_core::id::{EventId, IntegrationId, OrgId, Rid, SourceId};
use ig_core::integration::{
    DEFAULT_SCRIPT_TIMEOUT, EventPattern, HttpMethod, Integration, LogLevel, Ordering, OutgoingAuth, Scope, SimpleMapping,
    Target, Transformation,
};
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::schedule::Schedule;
use ig_delivery::{Deliverer, EgressConfig, Exchange, Message, Prepared, SecurityConfig, Template};

pub(crate) const BODY: &[u8] = br#"{"a": 1.0}"#;
pub(crate) const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Long enough for any machine; a test that reaches it has failed.
pub(crate) const PLENTY: Duration = Duration::from_secs(30);

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn integration(url: &str) -> Integration {
    Integration {
        id: IntegrationId([1; 12]),
        org_id: OrgId(1),
        tenant_id: Rid(1),
        name: "billing".to_owned(),
        is_active: true,
        hold: None,
        events: EventPattern::Any,
        scope: Scope::AllEntities,
        excluded_entity_rids: BTreeSet::new(),
        target: Target {
            url: url.parse().unwrap(),
            method: HttpMethod::Post,
        },
        filter: None,
        transformation: Transformation::Simple(SimpleMapping::identity()),
        lookups: Vec::new(),
        script_timeout: DEFAULT_SCRIPT_TIMEOUT,
        auth: OutgoingAuth::None,
        signing: None,
        headers: Vec::new(),
        actions: Vec::new(),
        multi_action_delay: Duration::ZERO,
        timeout: PLENTY,
        attempts: 3,
        ordering: Ordering::Ordered,
        rate_limit: None,
        breaker: BreakerPolicy::default(),
        log_level: LogLevel::Full,
        schedule: Schedule::default(),
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn message_id() -> MessageId {
    MessageId::derive(&SourceId::new("mysql"), &EventId::new("42"), IntegrationId([1; 12]), 0)
}

pub(crate) fn prepare(integration: &Integration) -> Prepared {
    let template = Template::compile(integration, &integration.planned_actions()[0]).unwrap();
    template.prepare(Message {
        id: message_id(),
        correlation_id: "corr-1".to_owned(),
        trace_parent: Some(TRACE_PARENT.to_owned()),
        body: Bytes::from_static(BODY),
    })
}

pub(crate) fn config(allow: &[&str]) -> SecurityConfig {
    SecurityConfig {
        egress: EgressConfig {
            allow: allow.iter().map(|&text| text.to_owned()).collect(),
        },
        ..SecurityConfig::default()
    }
}

/// A deliverer that may reach this machine.
pub(crate) fn deliverer() -> Deliverer {
    Deliverer::new(&config(&["127.0.0.0/8"])).unwrap()
}

pub(crate) async fn send(integration: &Integration, deliverer: &Deliverer) -> Exchange {
    prepare(integration).sign(now()).send(deliverer).await
}

pub(crate) async fn send_to(url: &str) -> Exchange {
    send(&integration(url), &deliverer()).await
}

pub(crate) fn failure(exchange: &Exchange) -> &Failure {
    exchange.attempt.failure.as_ref().expect("the attempt failed")
}

pub(crate) fn category(exchange: &Exchange) -> Option<ErrorCategory> {
    exchange.attempt.failure.as_ref().map(|failure| failure.category)
}
