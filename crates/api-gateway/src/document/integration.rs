//! An outbound integration as clients send and read it.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{give_way_to, listing::listing};
use crate::body::{FieldPaths, SENT_SECRETS, SecretBinding, TOKEN_BINDING, shaped};

mod action;
mod auth;
mod checked;
mod choice;
mod condition;
mod conduct;
mod lookup;
mod mapping;
mod schedule;
mod shown;
mod signing;
mod transformation;

use action::ActionDocument;
use choice::{OrderingName, ScopeName};
use condition::ConditionDocument;
use lookup::LookupRuleDocument;

pub(super) use auth::{AuthConfig, AuthType, into_domain as authentication, shown as shown_authentication};
pub(super) use checked::{of_direction, unchanged};
pub(super) use choice::{LogLevelName, Method, ScheduleMode, TransformationMode, same};
pub(super) use conduct::{BreakerDocument, HoldDocument, RateLimitsDocument};
pub(super) use mapping::{MappingRule, StaticRule, given};
pub(super) use schedule::SchedulingConfig;
pub(crate) use shown::Secrets;
pub(super) use shown::mask_credentials;
pub(super) use signing::{SigningDocument, parsed as parsed_secrets, texts as shown_secrets};
pub(super) use transformation::Transformed;

/// An outbound integration: which events go where, in what shape, and signed how.
///
/// Credentials are write-only: reads show a mask in their place, and a mask that is sent back keeps what it covers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OutboundIntegration {
    /// Its identifier: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// OUTBOUND.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub direction: Option<String>,
    /// Display name.
    pub name: String,
    /// The event type that it is for; `*` for every type.
    pub event_type: String,
    /// The entity that it is set on: the organisation (the default), or the rid of one of its units.
    pub tenant_id: Option<i64>,
    /// Whether its deliveries are sent; true by default. One that was active is held instead: what matches becomes a dead letter that waits.
    pub is_active: Option<bool>,
    /// Why deliveries are held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub hold: Option<HoldDocument>,
    /// Where deliveries go: an absolute http or https address.
    pub target_url: String,
    /// The method of deliveries; POST by default.
    pub http_method: Option<Method>,
    /// Which of its events it takes up; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<ConditionDocument>,
    /// How the payload changes shape; SIMPLE by default.
    pub transformation_mode: Option<TransformationMode>,
    /// What is copied from the payload, in this order.
    pub field_mappings: Option<Vec<MappingRule>>,
    /// What is always written, after the mappings.
    pub static_fields: Option<Vec<StaticRule>>,
    /// Begin with a copy of the payload. Where nothing is mapped and this is absent, payloads are sent as they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<bool>,
    /// The body of a function of `payload` and `context` that returns what is sent, or null to send nothing. For SCRIPT alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform_script: Option<String>,
    /// Milliseconds that one script may run, from 1 to 2,000; 250 by default.
    #[schema(minimum = 1, maximum = 2000)]
    pub script_timeout_ms: Option<u64>,
    /// What is looked up for every payload, and written after the transformation.
    pub lookups: Option<Vec<LookupRuleDocument>>,
    /// How deliveries prove who they come from; NONE by default.
    pub outgoing_auth_type: Option<AuthType>,
    /// The credentials, as the type needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing_auth_config: Option<AuthConfig>,
    /// How deliveries are signed (Standard Webhooks).
    pub signing: Option<SigningDocument>,
    /// Further headers of every request, value by name.
    pub custom_headers: Option<BTreeMap<String, String>>,
    /// What is sent for one event, in sequence; without any, one request to `targetUrl`.
    pub actions: Option<Vec<ActionDocument>>,
    /// Milliseconds between two actions, up to 60,000.
    #[schema(minimum = 0, maximum = 60000)]
    pub multi_action_delay_ms: Option<u64>,
    /// Milliseconds that one request may take in all, from 100 to 120,000; 30,000 by default.
    #[schema(minimum = 100, maximum = 120_000)]
    pub timeout_ms: Option<u64>,
    /// How often one delivery is tried before it becomes a dead letter, from 1 to 10; 3 by default.
    #[schema(minimum = 1, maximum = 10)]
    pub retry_count: Option<u8>,
    /// Whether deliveries keep the order of their events; ORDERED by default.
    pub ordering: Option<OrderingName>,
    /// How many deliveries may be under way at once when UNORDERED, from 1 to 1,000; 10 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_concurrency: Option<u16>,
    /// How many deliveries are sent in a window; without, there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<RateLimitsDocument>,
    /// What an open breaker does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerDocument>,
    /// What of a delivery is kept; FULL by default.
    pub log_level: Option<LogLevelName>,
    /// How far an integration at the organisation's level reaches; `ALL_ENTITIES` by default.
    pub scope: Option<ScopeName>,
    /// Units that it leaves out.
    #[schema(max_items = 1000)]
    pub excluded_entity_rids: Option<Vec<i64>>,
    /// When deliveries are made; IMMEDIATE by default.
    pub scheduling_mode: Option<ScheduleMode>,
    /// When exactly, for DELAYED and RECURRING.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_config: Option<SchedulingConfig>,
    /// The revision that last changed it; in a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}
shaped!(OutboundIntegration, give_way, SECRET_BINDINGS);

/// What is sent with a delivery, and what a token is asked for with.
const SECRET_BINDINGS: &[SecretBinding] = &[
    SecretBinding {
        addresses: &[FieldPaths::One("/targetUrl"), FieldPaths::InList("/actions", "targetUrl")],
        secrets: SENT_SECRETS,
    },
    TOKEN_BINDING,
];

/// Credentials belong to their type, a concurrency to its ordering, mappings and a script to their mode, and so does a schedule: whoever changes one
/// starts the other anew.
fn give_way(stored: &mut Value, patch: &Value) {
    let dependents = [
        ("outgoingAuthType", "outgoingAuthConfig"),
        ("ordering", "maxConcurrency"),
        ("transformationMode", "transformScript"),
        ("transformationMode", "fieldMappings"),
        ("transformationMode", "staticFields"),
        ("transformationMode", "passthrough"),
        ("schedulingMode", "schedulingConfig"),
    ];
    give_way_to(stored, patch, &dependents);
}

listing! {
    /// A page of outbound integrations.
    OutboundIntegrationList { integrations: OutboundIntegration, unreadable }
}
