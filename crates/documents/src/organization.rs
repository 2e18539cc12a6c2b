//! Organisations, as clients send and read them.

use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::organization::{Organization, Profile, RequestLimits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::checks::Checks;
use crate::profile::ProfileFields;
use crate::resource::{ResourceDocument, Stamp};
use crate::text;
use crate::text::{collect_faults, prefix_faults};

const LARGEST_CONSOLE: usize = 64 * 1024;

/// An organisation, which is a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the API says orgId")]
#[schema(as = Org)]
pub struct OrganizationDocument {
    /// The organisation's number, as `orgId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<i64>,
    /// The organisation's number; required to create one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// Display name.
    pub name: String,
    /// Short code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Contact address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Contact telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Free labels.
    pub tags: Option<Vec<String>>,
    /// Region, such as `eu-west`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// IANA timezone name, such as `Asia/Kolkata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// How many days logs are kept, from 1 to 3,650; the platform's default where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    pub retention_days: Option<u32>,
    /// How dead letters are retried; the platform's policy where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicyDocument>,
    /// The organisation's request limits, where they differ from the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_limits: Option<RequestLimitsDocument>,
    /// The appearance of its console: any JSON object of at most 64 KiB. `/ui-config` reads and writes it as well.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text")]
    #[schema(value_type = Option<Object>)]
    pub ui: Option<Map<String, Value>>,
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

/// How many requests an organisation may send in any minute. 0 is no limit; the platform's limit applies where a field is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RequestLimits)]
pub struct RequestLimitsDocument {
    /// Management requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 10_000_000)]
    pub management_per_minute: Option<u32>,
    /// Pushed events and calls to inbound integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 10_000_000)]
    pub runtime_per_minute: Option<u32>,
}

/// How an organisation's dead letters are retried.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RetryPolicy)]
pub struct RetryPolicyDocument {
    /// The delay before the second retry in milliseconds; each further delay doubles, give or take 20 %.
    #[schema(minimum = 1, maximum = 604_800_000)]
    pub base_ms: u64,
    /// The maximum delay in milliseconds, no shorter than `baseMs`.
    #[schema(minimum = 1, maximum = 604_800_000)]
    pub max_ms: u64,
    /// How often a dead letter is retried before it is abandoned.
    #[schema(minimum = 1, maximum = 100)]
    pub max_retries: u32,
}

impl ResourceDocument for OrganizationDocument {
    type Item = Organization;

    fn from_item(item: Organization) -> Result<Self, Faults> {
        Ok(item.into())
    }

    fn into_item(self, _: OrgId, id: OrgId, stamp: Stamp, _: &dyn Checks) -> Result<Organization, Faults> {
        self.into_domain(id, stamp)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }
}

impl OrganizationDocument {
    /// The number, which a document must give on creation.
    pub fn named(&self) -> Result<OrgId, Faults> {
        let number = self.org_id.ok_or_else(|| Faults::single("/orgId", "is required"))?;
        prefix_faults("/orgId", text::org_id(number))
    }

    /// The domain's organisation with this number, or everything that is wrong with the document.
    fn into_domain(self, org_id: OrgId, stamp: Stamp) -> Result<Organization, Faults> {
        let Self {
            id,
            org_id: given,
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
            retention_days,
            retry_policy,
            request_limits,
            ui,
            revision: _,
            created_at: _,
            updated_at: _,
        } = self;
        let mut faults = Faults::default();
        for (place, number) in [("/id", id), ("/orgId", given)] {
            if number.is_some_and(|number| number != org_id.0) {
                faults.add(place, "cannot be changed");
            }
        }
        let claims = ProfileFields {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        };
        let profile = collect_faults(&mut faults, "", Profile::try_from(claims)).unwrap_or_default();
        let retry_policy = retry_policy.map(|policy| RetryPolicy::new(policy.base_ms, policy.max_ms, policy.max_retries));
        let retry_policy = retry_policy.and_then(|policy| collect_faults(&mut faults, "/retryPolicy", policy));
        let ui = ui
            .and_then(|ui| collect_faults(&mut faults, "/ui", console(ui)))
            .unwrap_or_default();
        let Stamp { created_at, updated_at } = stamp;
        faults.into_result(Organization {
            org_id,
            profile,
            retention_days,
            retry_policy,
            request_limits: request_limits.unwrap_or_default().into(),
            ui,
            revision: 0,
            created_at,
            updated_at,
        })
    }
}

impl From<Organization> for OrganizationDocument {
    fn from(organization: Organization) -> Self {
        let Organization {
            org_id,
            profile,
            retention_days,
            retry_policy,
            request_limits,
            ui,
            revision,
            created_at,
            updated_at,
        } = organization;
        let Profile {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        } = profile;
        Self {
            id: Some(org_id.0),
            org_id: Some(org_id.0),
            name,
            code,
            email,
            phone,
            address,
            tags: Some(tags),
            region,
            timezone,
            retention_days,
            retry_policy: retry_policy.map(|policy| RetryPolicyDocument {
                base_ms: policy.base_ms(),
                max_ms: policy.max_ms(),
                max_retries: policy.max_retries(),
            }),
            request_limits: RequestLimitsDocument::shown(request_limits),
            ui: (!ui.is_empty()).then_some(ui),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}

/// A console's settings, checked against their bounds.
pub fn console(ui: Map<String, Value>) -> Result<Map<String, Value>, Faults> {
    if Value::from(ui.clone()).to_string().len() > LARGEST_CONSOLE {
        return Err(Faults::single("", "must be at most 64 KiB of JSON"));
    }
    Ok(ui)
}

impl From<RequestLimitsDocument> for RequestLimits {
    fn from(document: RequestLimitsDocument) -> Self {
        let RequestLimitsDocument {
            management_per_minute,
            runtime_per_minute,
        } = document;
        Self {
            management_per_minute,
            runtime_per_minute,
        }
    }
}

impl RequestLimitsDocument {
    /// The document; `None` where the organisation sets no limits.
    pub fn shown(limits: RequestLimits) -> Option<Self> {
        let RequestLimits {
            management_per_minute,
            runtime_per_minute,
        } = limits;
        let shown = Self {
            management_per_minute,
            runtime_per_minute,
        };
        (shown != Self::default()).then_some(shown)
    }
}
