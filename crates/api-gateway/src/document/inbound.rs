//! An inbound integration as clients send and read it.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::integration::{
    AuthConfig, AuthType, BreakerDocument, HoldDocument, MappingRule, RateLimitsDocument, SigningDocument, StaticRule,
    TransformationMode,
};
use super::{give_way_to, listing::listing};
use crate::body::{FieldPaths, SENT_SECRETS, SecretBinding, TOKEN_BINDING, shaped};

mod checked;
mod choice;
mod client;
mod shown;
mod side;

use choice::{ProxyLogLevel, ProxyLogging, ProxyMethodName};
use client::{InboundAuthConfig, InboundAuthType};

/// An inbound integration: calls to `/api/v1/integrations/{type}` go to an outside API and are answered in real time.
///
/// Credentials are write-only: reads show a mask in their place, and a mask that is sent back keeps what it covers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = InboundIntegration)]
pub(crate) struct InboundDocument {
    /// Its identifier: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// INBOUND.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub direction: Option<String>,
    /// Its name in the address: letters, digits, `.`, `_` and `-`, unique within the organisation.
    pub r#type: String,
    /// Display name.
    pub name: String,
    /// The entity that it acts for: the organisation (the default), or the rid of one of its units.
    pub tenant_id: Option<i64>,
    /// Whether calls are let through; true by default.
    pub is_active: Option<bool>,
    /// Why calls are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub hold: Option<HoldDocument>,
    /// Where calls go: an absolute http or https address.
    pub target_url: String,
    /// The method that clients use, and that is sent on; POST by default.
    pub http_method: Option<ProxyMethodName>,
    /// The methods that clients may use, where there are several; each is sent on as it came.
    #[schema(max_items = 6)]
    pub allowed_methods: Option<Vec<ProxyMethodName>>,
    /// Whether what follows `type` in a call's path is appended to the target's; false by default.
    pub path_suffix: Option<bool>,
    /// What clients prove themselves with, besides the gateway's own authentication; NONE by default.
    pub inbound_auth_type: Option<InboundAuthType>,
    /// What it is checked against, as the type needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_auth_config: Option<InboundAuthConfig>,
    /// Where clients may call from: addresses, or networks in CIDR notation; anywhere by default.
    #[schema(max_items = 100)]
    pub allowed_addresses: Option<Vec<String>>,
    /// How calls prove to the target who they come from; NONE by default.
    pub outgoing_auth_type: Option<AuthType>,
    /// The credentials, as the type needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing_auth_config: Option<AuthConfig>,
    /// How requests to the target are signed (Standard Webhooks).
    pub signing: Option<SigningDocument>,
    /// Further headers of every request to the target, value by name.
    pub custom_headers: Option<BTreeMap<String, String>>,
    /// How a request's body changes shape; it streams through as it is where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_transformation_mode: Option<TransformationMode>,
    /// What is copied from a request's body, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_field_mappings: Option<Vec<MappingRule>>,
    /// What is always written into a request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_static_fields: Option<Vec<StaticRule>>,
    /// Begin with a copy of a request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_passthrough: Option<bool>,
    /// The body of a function of `payload` and `context` that returns what is sent. For SCRIPT alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_transform_script: Option<String>,
    /// How an answer's body changes shape; it streams through as it is where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_transformation_mode: Option<TransformationMode>,
    /// What is copied from an answer's body, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_field_mappings: Option<Vec<MappingRule>>,
    /// What is always written into an answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_static_fields: Option<Vec<StaticRule>>,
    /// Begin with a copy of an answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_passthrough: Option<bool>,
    /// The body of a function of `payload` (`{data, status, headers}`) and `context` that returns what is answered. For SCRIPT alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_transform_script: Option<String>,
    /// Milliseconds that one script may run, from 1 to 2,000; 250 by default.
    #[schema(minimum = 1, maximum = 2000)]
    pub script_timeout_ms: Option<u64>,
    /// How long the steps of a call may take.
    pub timeouts: Option<TimeoutsDocument>,
    /// How often a request is tried that may be sent again, from 1 to 10; 3 by default.
    #[schema(minimum = 1, maximum = 10)]
    pub retry_count: Option<u8>,
    /// How many calls may be under way at once, from 1 to 10,000; 100 by default.
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_concurrency: Option<u32>,
    /// How many calls are let through in a window; without, there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<RateLimitsDocument>,
    /// What an open breaker does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerDocument>,
    /// What of a call is kept; FULL by default.
    pub log_level: Option<ProxyLogLevel>,
    /// What becomes of a call whose log cannot be kept; REQUIRED by default.
    pub logging: Option<ProxyLogging>,
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
shaped!(InboundDocument, give_way, SECRET_BINDINGS);

/// What is sent with a delivery, and what a token is asked for with.
const SECRET_BINDINGS: &[SecretBinding] = &[
    SecretBinding {
        addresses: &[FieldPaths::One("/targetUrl")],
        secrets: SENT_SECRETS,
    },
    TOKEN_BINDING,
];

/// How long the steps of a call may take, in milliseconds, each from 100 to 3,600,000.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProxyTimeouts)]
#[allow(clippy::struct_field_names, reason = "fields carry their unit")]
pub(crate) struct TimeoutsDocument {
    /// Until there is a connection to the target; 5,000 by default.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub connect_ms: Option<u64>,
    /// From the end of the request to the first byte of the answer; 30,000 by default.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub first_byte_ms: Option<u64>,
    /// Between two parts of a body, in either direction; 30,000 by default.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub idle_ms: Option<u64>,
    /// Until the target begins to answer, all tries together; 30,000 by default. What streams from then on may last as long as it goes on
    /// within `idleMs`. An answer that is transformed has to be read whole within this.
    #[schema(minimum = 100, maximum = 3_600_000)]
    pub total_ms: Option<u64>,
}

/// Credentials belong to their type, mappings and a script to their mode: whoever changes one starts the other anew.
fn give_way(stored: &mut Value, patch: &Value) {
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
    give_way_to(stored, patch, &dependents);
}

listing! {
    /// A page of inbound integrations.
    InboundIntegrationList { integrations: InboundDocument, unreadable }
}
