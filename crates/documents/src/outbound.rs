//! Outbound integrations, as clients send and read them.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::Integration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::{AuthConfig, AuthType};
use crate::checks::Checks;
use crate::choice::{LogLevelName, Method, OrderingName, ScheduleMode, ScopeName, TransformationMode};
use crate::condition::ConditionDocument;
use crate::mapping::{MappingRule, StaticRule};
use crate::merge::drop_dependents;
use crate::resilience::{BreakerDocument, HoldDocument, RateLimitsDocument};
use crate::resource::{ResourceDocument, Stamp};
use crate::secret_binding::{FieldPaths, SENT_SECRETS, SecretBinding, TOKEN_BINDING};
use crate::secrets::{SecretPlace, visit_headers};
use crate::signing::SigningDocument;

mod action;
mod conversion;
mod lookup;
mod schedule;

pub use action::ActionDocument;
pub use lookup::{LookupRuleDocument, ReturnMode, UnmappedBehavior};
pub use schedule::{CancelChoice, CancelOn, SchedulingConfig};

/// An outbound integration: which events are delivered where, in what form, and with which signature.
///
/// Credentials are write-only: reads show a mask in their place, and a mask that is sent back keeps the stored credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OutboundIntegration)]
pub struct OutboundDocument {
    /// Its identifier: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// Always OUTBOUND.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub direction: Option<String>,
    /// Display name.
    pub name: String,
    /// The event type that it handles; `*` for every type.
    pub event_type: String,
    /// The entity that it is configured for: the organisation (the default), or the rid of one of its units.
    pub tenant_id: Option<i64>,
    /// Whether deliveries are sent; true by default. Deactivating an active integration holds it: matching events wait as dead
    /// letters.
    pub is_active: Option<bool>,
    /// Since when and why deliveries are held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub hold: Option<HoldDocument>,
    /// The target: an absolute http or https address.
    pub target_url: String,
    /// The HTTP method; POST by default.
    pub http_method: Option<Method>,
    /// The condition that events must meet; every event of its type by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<ConditionDocument>,
    /// How the payload is transformed; SIMPLE by default.
    pub transformation_mode: Option<TransformationMode>,
    /// The fields to copy from the payload, in this order.
    pub field_mappings: Option<Vec<MappingRule>>,
    /// The fields to write into every payload, after the mappings.
    pub static_fields: Option<Vec<StaticRule>>,
    /// Whether the result starts as a copy of the payload. Without mappings and this field, payloads are sent unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<bool>,
    /// The body of a function of `payload` and `context` that returns the body to send, or null to send nothing. For SCRIPT only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform_script: Option<String>,
    /// How long one script may run, in milliseconds, from 1 to 2,000; 250 by default.
    #[schema(minimum = 1, maximum = 2000)]
    pub script_timeout_ms: Option<u64>,
    /// The lookups made for every payload, written after the transformation.
    pub lookups: Option<Vec<LookupRuleDocument>>,
    /// How deliveries authenticate with the target; NONE by default.
    pub outgoing_auth_type: Option<AuthType>,
    /// The credentials, as the type needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing_auth_config: Option<AuthConfig>,
    /// How deliveries are signed (Standard Webhooks).
    pub signing: Option<SigningDocument>,
    /// Further headers of every request, value by name.
    #[serde(default, with = "crate::entries")]
    pub custom_headers: Option<BTreeMap<String, String>>,
    /// The requests sent for one event, in sequence; one request to `targetUrl` by default.
    pub actions: Option<Vec<ActionDocument>>,
    /// The delay between two actions in milliseconds, up to 60,000.
    #[schema(minimum = 0, maximum = 60000)]
    pub multi_action_delay_ms: Option<u64>,
    /// The timeout of one request in milliseconds, from 100 to 120,000; 30,000 by default.
    #[schema(minimum = 100, maximum = 120_000)]
    pub timeout_ms: Option<u64>,
    /// How often one delivery is tried before it becomes a dead letter, from 1 to 10; 3 by default.
    #[schema(minimum = 1, maximum = 10)]
    pub retry_count: Option<u8>,
    /// Whether deliveries keep the order of their events; ORDERED by default.
    pub ordering: Option<OrderingName>,
    /// How many UNORDERED deliveries may be in flight at once, from 1 to 1,000; 10 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_concurrency: Option<u16>,
    /// How many deliveries are sent in a window; unlimited where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<RateLimitsDocument>,
    /// How an open circuit breaker recovers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerDocument>,
    /// How much of a delivery is logged; FULL by default.
    pub log_level: Option<LogLevelName>,
    /// The scope of an organisation-level integration; `ALL_ENTITIES` by default.
    pub scope: Option<ScopeName>,
    /// The units to exclude.
    #[schema(max_items = 1000)]
    pub excluded_entity_rids: Option<Vec<i64>>,
    /// When deliveries are sent; IMMEDIATE by default.
    pub scheduling_mode: Option<ScheduleMode>,
    /// The details of DELAYED and RECURRING.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_config: Option<SchedulingConfig>,
    /// The revision of the last change. In a PUT or PATCH it guards against lost updates.
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

/// Secrets, and the fields that decide where they are sent.
const SECRET_BINDINGS: &[SecretBinding] = &[
    SecretBinding {
        addresses: &[FieldPaths::One("/targetUrl"), FieldPaths::InList("/actions", "targetUrl")],
        secrets: SENT_SECRETS,
    },
    TOKEN_BINDING,
];

impl ResourceDocument for OutboundDocument {
    type Item = Integration;

    const SECRET_BINDINGS: &'static [SecretBinding] = SECRET_BINDINGS;

    fn from_item(item: Integration) -> Result<Self, Faults> {
        let is_configured = item.schedule.config().is_some();
        let document = Self::from(item);
        if is_configured && document.scheduling_config.is_none() {
            return Err(Faults::single("/schedulingConfig", "cannot be shown"));
        }
        Ok(document)
    }

    fn into_item(self, org: OrgId, id: IntegrationId, stamp: Stamp, checks: &dyn Checks) -> Result<Integration, Faults> {
        self.into_domain(org, id, stamp, checks)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }

    /// Credentials belong to their type, a concurrency to its ordering, mappings and a script to their mode, and a schedule to its
    /// mode: changing one drops the others.
    fn drop_dependents(stored: &mut Value, patch: &Value) {
        let dependents = [
            ("outgoingAuthType", "outgoingAuthConfig"),
            ("ordering", "maxConcurrency"),
            ("transformationMode", "transformScript"),
            ("transformationMode", "fieldMappings"),
            ("transformationMode", "staticFields"),
            ("transformationMode", "passthrough"),
            ("schedulingMode", "schedulingConfig"),
        ];
        drop_dependents(stored, patch, &dependents);
    }

    fn visit_secrets(&mut self, visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {
        if let Some(credentials) = &mut self.outgoing_auth_config {
            credentials.visit_secrets(visit);
        }
        if let Some(signing) = &mut self.signing {
            signing.visit_secrets(visit);
        }
        visit_headers(&mut self.custom_headers, SecretPlace::Header, visit);
    }
}
