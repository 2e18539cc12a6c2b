//! Inbound integrations, as clients send and read them.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::InboundIntegration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::{AuthConfig, AuthType};
use crate::checks::Checks;
use crate::choice::TransformationMode;
use crate::mapping::{MappingRule, StaticRule};
use crate::merge::drop_dependents;
use crate::resilience::{BreakerDocument, HoldDocument, RateLimitsDocument};
use crate::resource::{ResourceDocument, Stamp};
use crate::secret_binding::{FieldPaths, SENT_SECRETS, SecretBinding, TOKEN_BINDING};
use crate::secrets::{SecretPlace, visit_headers};
use crate::signing::SigningDocument;

mod choice;
mod client;
mod conversion;
mod side;

pub use choice::{ProxyLogLevel, ProxyLogging, ProxyMethodName};
pub use client::{InboundAuthConfig, InboundAuthType};
pub use side::Side;

/// An inbound integration: it proxies calls to `/api/v1/integrations/{type}` to an outside API and answers in real time.
///
/// Credentials are write-only: reads show a mask in their place, and a mask that is sent back keeps the stored credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = InboundIntegration)]
pub struct InboundDocument {
    /// Its identifier: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// Always INBOUND.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub direction: Option<String>,
    /// Its name in the address: letters, digits, `.`, `_` and `-`, unique within the organisation.
    pub r#type: String,
    /// Display name.
    pub name: String,
    /// The entity that calls are made for: the organisation (the default), or the rid of one of its units.
    pub tenant_id: Option<i64>,
    /// Whether calls are accepted; true by default.
    pub is_active: Option<bool>,
    /// Since when and why calls are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub hold: Option<HoldDocument>,
    /// The target: an absolute http or https address.
    pub target_url: String,
    /// The method that clients use, passed on to the target; POST by default.
    pub http_method: Option<ProxyMethodName>,
    /// The methods that clients may use, where there are several. Each is passed on to the target.
    #[schema(max_items = 6)]
    pub allowed_methods: Option<Vec<ProxyMethodName>>,
    /// Whether the part of a call's path after `type` is appended to the target's path; false by default.
    pub path_suffix: Option<bool>,
    /// How clients authenticate, in addition to the gateway's own authentication; NONE by default.
    pub inbound_auth_type: Option<InboundAuthType>,
    /// The client credentials to check against, as the type needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_auth_config: Option<InboundAuthConfig>,
    /// The addresses or CIDR networks from which clients may call; any by default.
    #[schema(max_items = 100)]
    pub allowed_addresses: Option<Vec<String>>,
    /// How calls authenticate with the target; NONE by default.
    pub outgoing_auth_type: Option<AuthType>,
    /// The credentials, as the type needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing_auth_config: Option<AuthConfig>,
    /// How requests to the target are signed (Standard Webhooks).
    pub signing: Option<SigningDocument>,
    /// Further headers of every request to the target, value by name.
    #[serde(default, with = "crate::entries")]
    pub custom_headers: Option<BTreeMap<String, String>>,
    /// How the request body is transformed; it streams through unchanged by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_transformation_mode: Option<TransformationMode>,
    /// The fields to copy from the request body, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_field_mappings: Option<Vec<MappingRule>>,
    /// The fields to write into every request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_static_fields: Option<Vec<StaticRule>>,
    /// Whether the transformed request body starts as a copy of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_passthrough: Option<bool>,
    /// The body of a function of `payload` and `context` that returns the request body. For SCRIPT only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_transform_script: Option<String>,
    /// How the response body is transformed; it streams through unchanged by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_transformation_mode: Option<TransformationMode>,
    /// The fields to copy from the response body, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_field_mappings: Option<Vec<MappingRule>>,
    /// The fields to write into every response body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_static_fields: Option<Vec<StaticRule>>,
    /// Whether the transformed response body starts as a copy of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_passthrough: Option<bool>,
    /// The body of a function of `payload` (`{data, status, headers}`) and `context` that returns the response body. For SCRIPT
    /// only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_transform_script: Option<String>,
    /// How long one script may run, in milliseconds, from 1 to 2,000; 250 by default.
    #[schema(minimum = 1, maximum = 2000)]
    pub script_timeout_ms: Option<u64>,
    /// The timeouts of a call.
    pub timeouts: Option<TimeoutsDocument>,
    /// How often a request that is safe to repeat is tried, from 1 to 10; 3 by default.
    #[schema(minimum = 1, maximum = 10)]
    pub retry_count: Option<u8>,
    /// How many calls may be in flight at once, from 1 to 10,000; 100 by default.
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_concurrency: Option<u32>,
    /// How many calls are accepted in a window; unlimited where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<RateLimitsDocument>,
    /// How an open circuit breaker recovers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerDocument>,
    /// How much of a call is logged; FULL by default.
    pub log_level: Option<ProxyLogLevel>,
    /// What happens to a call whose log cannot be stored; REQUIRED by default.
    pub logging: Option<ProxyLogging>,
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
        addresses: &[FieldPaths::One("/targetUrl")],
        secrets: SENT_SECRETS,
    },
    TOKEN_BINDING,
];

/// The timeouts of a call in milliseconds, each from 100 to 3,600,000.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProxyTimeouts)]
#[allow(clippy::struct_field_names, reason = "fields carry their unit")]
pub struct TimeoutsDocument {
    /// To connect to the target; 5,000 by default.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub connect_ms: Option<u64>,
    /// From the end of the request to the first byte of the response; 30,000 by default.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub first_byte_ms: Option<u64>,
    /// Between two chunks of a body, in either direction; 30,000 by default.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub idle_ms: Option<u64>,
    /// Until the target's response begins, all attempts together; 30,000 by default. A response that streams may last longer, as
    /// long as it keeps within `idleMs`. A response that is transformed has to be complete within this time.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub total_ms: Option<u64>,
}

impl ResourceDocument for InboundDocument {
    type Item = InboundIntegration;

    const SECRET_BINDINGS: &'static [SecretBinding] = SECRET_BINDINGS;

    fn from_item(item: InboundIntegration) -> Result<Self, Faults> {
        Ok(item.into())
    }

    fn into_item(self, org: OrgId, id: IntegrationId, stamp: Stamp, checks: &dyn Checks) -> Result<InboundIntegration, Faults> {
        self.into_domain(org, id, stamp, checks)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }

    /// Credentials belong to their type, mappings and a script to their mode: changing one drops the others.
    fn drop_dependents(stored: &mut Value, patch: &Value) {
        let dependents = [
            ("outgoingAuthType", "outgoingAuthConfig"),
            ("inboundAuthType", "inboundAuthConfig"),
            ("httpMethod", "allowedMethods"),
            ("allowedMethods", "httpMethod"),
            ("requestTransformationMode", "requestTransformScript"),
            ("requestTransformationMode", "requestFieldMappings"),
            ("requestTransformationMode", "requestStaticFields"),
            ("requestTransformationMode", "requestPassthrough"),
            ("responseTransformationMode", "responseTransformScript"),
            ("responseTransformationMode", "responseFieldMappings"),
            ("responseTransformationMode", "responseStaticFields"),
            ("responseTransformationMode", "responsePassthrough"),
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
        if let Some(credentials) = &mut self.inbound_auth_config {
            credentials.visit_secrets(visit);
        }
    }
}
