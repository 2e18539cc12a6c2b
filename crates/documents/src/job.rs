//! Scheduled jobs, as clients send and read them.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::Job;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::{AuthConfig, AuthType};
use crate::checks::Checks;
use crate::choice::{LogLevelName, Method};
use crate::merge::drop_dependents;
use crate::merge::remove_field;
use crate::resilience::{BreakerDocument, HoldDocument};
use crate::resource::{ResourceDocument, Stamp};
use crate::secret_binding::{FieldPaths, SENT_SECRETS, SecretBinding, TOKEN_BINDING};
use crate::secrets::{SecretPlace, visit_headers};
use crate::signing::SigningDocument;

mod conversion;
mod progress;
mod source;

pub use progress::{BatchDocument, WatermarkDocument};
pub use source::{
    BsonStyleName, DataSourceDocument, DataSourceType, JobScheduleDocument, JobScheduleType, JobTransformation,
    JobTransformationMode, PaginationDocument, PaginationType, SourceMethod,
};

/// A scheduled job: it fetches data on a schedule, transforms it and sends it.
///
/// Credentials are write-only: reads show a mask in their place, and a mask that is sent back keeps the stored credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ScheduledJob)]
pub struct JobDocument {
    /// Its identifier: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// Always SCHEDULED.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub direction: Option<String>,
    /// Display name.
    pub name: String,
    /// A free label for its purpose, such as `DAILY_EXPORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The entity that the job runs for: the organisation (the default), or the rid of one of its units.
    pub tenant_id: Option<i64>,
    /// Whether the job runs; true by default. Deactivating an active job pauses it.
    pub is_active: Option<bool>,
    /// Since when and why the job does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub hold: Option<HoldDocument>,
    /// When it runs.
    pub schedule: JobScheduleDocument,
    /// Where its data comes from.
    pub data_source: DataSourceDocument,
    /// How the data is transformed; it is sent as fetched where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transformation: Option<JobTransformation>,
    /// How long the script may run, in milliseconds, from 1 to 2,000; 250 by default.
    #[schema(minimum = 1, maximum = 2000)]
    pub script_timeout_ms: Option<u64>,
    /// How the records are split into deliveries; one delivery has them all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchDocument>,
    /// How an incremental job remembers how far it is; a job fetches everything anew where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<WatermarkDocument>,
    /// How many seconds late a missed run may still be made up for, from 1 to 31,536,000; however late where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub max_overdue_seconds: Option<u64>,
    /// The target: an absolute http or https address.
    pub target_url: String,
    /// The HTTP method; POST by default.
    pub http_method: Option<Method>,
    /// How the delivery authenticates with the target; NONE by default.
    pub outgoing_auth_type: Option<AuthType>,
    /// The credentials, as the type needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing_auth_config: Option<AuthConfig>,
    /// How the delivery is signed (Standard Webhooks).
    pub signing: Option<SigningDocument>,
    /// Further headers of the request, value by name.
    #[serde(default, with = "crate::entries")]
    pub custom_headers: Option<BTreeMap<String, String>>,
    /// The timeout of the request in milliseconds, from 100 to 120,000; 30,000 by default.
    #[schema(minimum = 100, maximum = 120_000)]
    pub timeout_ms: Option<u64>,
    /// How often the delivery is tried before it becomes a dead letter, from 1 to 10; 3 by default.
    #[schema(minimum = 1, maximum = 10)]
    pub retry_count: Option<u8>,
    /// How an open circuit breaker recovers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerDocument>,
    /// How much of the delivery is logged; FULL by default.
    pub log_level: Option<LogLevelName>,
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
    SecretBinding {
        addresses: &[FieldPaths::One("/dataSource/url")],
        secrets: &[FieldPaths::Headers("/dataSource/headers")],
    },
];

impl ResourceDocument for JobDocument {
    type Item = Job;

    const SECRET_BINDINGS: &'static [SecretBinding] = SECRET_BINDINGS;

    fn from_item(item: Job) -> Result<Self, Faults> {
        Self::of(item)
    }

    fn into_item(self, org: OrgId, id: IntegrationId, stamp: Stamp, checks: &dyn Checks) -> Result<Job, Faults> {
        self.into_domain(org, id, stamp, checks)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }

    /// Credentials belong to their type, and the fields of a schedule or data source to theirs: changing the type drops them.
    fn drop_dependents(stored: &mut Value, patch: &Value) {
        drop_dependents(stored, patch, &[("outgoingAuthType", "outgoingAuthConfig")]);
        for part in ["schedule", "dataSource"] {
            let place = format!("/{part}/type");
            let chosen = patch.pointer(&place);
            if chosen.is_some() && chosen != stored.pointer(&place) {
                remove_field(stored, part);
            }
        }
    }

    fn visit_secrets(&mut self, visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {
        if let Some(credentials) = &mut self.outgoing_auth_config {
            credentials.visit_secrets(visit);
        }
        if let Some(signing) = &mut self.signing {
            signing.visit_secrets(visit);
        }
        visit_headers(&mut self.custom_headers, SecretPlace::Header, visit);
        self.data_source.visit_secrets(visit);
    }
}
