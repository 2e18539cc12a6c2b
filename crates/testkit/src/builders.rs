//! Domain values with sensible defaults; a test sets the fields that matter to it.
//!
//! `Integration { is_active: false, ..builders::integration(7, "order", &url) }`

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use ig_core::breaker::BreakerPolicy;
use ig_core::event::{RowPayload, SourceRow};
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::id::{EventType, IntegrationId, OrgId, Position, Rid};
use ig_core::inbound::{AllowedMethods, ClientAuth, InboundIntegration, Logging, ProxyMethod, ProxyTimeouts};
use ig_core::integration::{
    DEFAULT_SCRIPT_TIMEOUT, DEFAULT_TIMEOUT, EventPattern, HttpMethod, Integration, LogLevel, Ordering, OutgoingAuth, Scope,
    Signing, SigningSecret, SimpleMapping, Target, Transformation,
};
use ig_core::job::{DataSource, Job, JobSchedule};
use ig_core::organization::{OrgUnit, Organization, Profile, RequestLimits};
use ig_core::schedule::Schedule;

use crate::clock::moment;

/// A profile with only a name.
pub fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        ..Profile::default()
    }
}

/// An organisation.
pub fn organization(org: i64) -> Organization {
    Organization {
        org_id: OrgId(org),
        profile: profile(&format!("Organisation {org}")),
        retention_days: None,
        retry_policy: None,
        request_limits: RequestLimits::default(),
        ui: serde_json::Map::new(),
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

/// A unit of an organisation.
pub fn unit(org: i64, rid: i64) -> OrgUnit {
    OrgUnit {
        org_id: OrgId(org),
        rid: Rid(rid),
        profile: profile(&format!("Unit {rid}")),
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

/// An event type of an organisation.
pub fn event_type(org: i64, name: &str) -> EventTypeDefinition {
    EventTypeDefinition {
        org_id: OrgId(org),
        event_type: EventType::new(name),
        description: None,
        sample_payload: None,
        schema: None,
        validation: Validation::Off,
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

/// The integration id of a number.
pub fn integration_id(number: u64) -> IntegrationId {
    let mut id = [0; 12];
    id[4..].copy_from_slice(&number.to_be_bytes());
    IntegrationId(id)
}

/// An integration id that is unique in this process.
pub fn next_integration_id() -> IntegrationId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    integration_id(NEXT.fetch_add(1, Relaxed))
}

/// A POST to a URL.
///
/// # Panics
/// If the URL is invalid.
pub fn target(url: &str) -> Target {
    Target {
        url: url.parse().expect("an absolute http(s) URL"),
        method: HttpMethod::Post,
    }
}

/// An active integration at the organisation's level that posts payloads unchanged; `*` matches every event type.
///
/// # Panics
/// If `url` is invalid.
pub fn integration(org: i64, event_type: &str, url: &str) -> Integration {
    let id = next_integration_id();
    Integration {
        id,
        org_id: OrgId(org),
        tenant_id: Rid(org),
        name: format!("Integration {id}"),
        is_active: true,
        hold: None,
        events: pattern(event_type),
        scope: Scope::AllEntities,
        excluded_entity_rids: BTreeSet::new(),
        target: target(url),
        filter: None,
        transformation: Transformation::Simple(SimpleMapping::identity()),
        lookups: Vec::new(),
        script_timeout: DEFAULT_SCRIPT_TIMEOUT,
        auth: OutgoingAuth::None,
        signing: None,
        headers: Vec::new(),
        actions: Vec::new(),
        multi_action_delay: Duration::ZERO,
        timeout: DEFAULT_TIMEOUT,
        attempts: 3,
        ordering: Ordering::Ordered,
        rate_limit: None,
        breaker: BreakerPolicy::default(),
        log_level: LogLevel::Full,
        schedule: Schedule::default(),
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

fn pattern(event_type: &str) -> EventPattern {
    match event_type {
        "*" => EventPattern::Any,
        name => EventPattern::Exact(EventType::new(name)),
    }
}

/// An inbound integration with the type `route` that streams everything through.
///
/// # Panics
/// If `route` or `url` is invalid.
pub fn inbound(org: i64, route: &str, url: &str) -> InboundIntegration {
    InboundIntegration {
        id: next_integration_id(),
        org_id: OrgId(org),
        tenant_id: Rid(org),
        route: route.parse().expect("a name"),
        name: format!("Inbound {route}"),
        is_active: true,
        hold: None,
        methods: AllowedMethods::new([ProxyMethod::Post]).expect("one method"),
        target: target(url).url,
        path_suffix: false,
        client_auth: ClientAuth::None,
        allowed_addresses: Vec::new(),
        auth: OutgoingAuth::None,
        signing: None,
        headers: Vec::new(),
        request: None,
        response: None,
        script_timeout: DEFAULT_SCRIPT_TIMEOUT,
        timeouts: ProxyTimeouts::default(),
        attempts: 3,
        max_concurrency: 100,
        rate_limit: None,
        breaker: BreakerPolicy::default(),
        log_level: Some(LogLevel::Full),
        logging: Logging::Required,
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

/// A job that sends the result of one query every minute.
///
/// # Panics
/// If `url` is invalid.
pub fn job(org: i64, url: &str) -> Job {
    let schedule = serde_json::json!({"type": "INTERVAL", "intervalMs": 60_000});
    let source = serde_json::json!({"type": "SQL", "query": "SELECT 1"});
    Job {
        id: next_integration_id(),
        org_id: OrgId(org),
        tenant_id: Rid(org),
        name: "Job".to_owned(),
        category: None,
        is_active: true,
        hold: None,
        schedule: JobSchedule::read(&schedule).expect("a schedule"),
        source: DataSource::read(&source).expect("a source"),
        script: None,
        script_timeout: DEFAULT_SCRIPT_TIMEOUT,
        batch_size: None,
        watermark: None,
        max_overdue: None,
        target: target(url),
        auth: OutgoingAuth::None,
        signing: None,
        headers: Vec::new(),
        timeout: DEFAULT_TIMEOUT,
        attempts: 3,
        breaker: BreakerPolicy::default(),
        log_level: LogLevel::Full,
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

/// Signing with one secret of 32 equal bytes.
///
/// # Panics
/// Never: 32 bytes are a valid secret.
pub fn signing(byte: u8) -> Signing {
    let secret = SigningSecret::from_bytes(&[byte; 32]).expect("32 bytes are a valid secret");
    Signing::new(vec![secret]).expect("one secret is enough")
}

/// A row about an organisation itself, whose payload contains its position.
pub fn row(position: Position, org: i64, event_type: &str) -> SourceRow {
    SourceRow {
        position,
        event_id: None,
        event_type: Some(event_type.to_owned()),
        payload: RowPayload::Present(Bytes::from(format!(r#"{{"id":{position}}}"#))),
        entity_rid: Some(org),
        parent_rid: Some(org),
        created_at: Some(moment(0)),
        trace_parent: None,
    }
}
