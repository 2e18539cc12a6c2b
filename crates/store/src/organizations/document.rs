//! An organisation as stored.

use ig_core::id::OrgId;
use ig_core::organization::{Organization, Profile, RequestLimits};
use ig_core::redelivery::RetryPolicy;
use mongodb::bson;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::field::{date, json_text, long, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationDocument {
    #[serde(rename = "_id")]
    id: i64,
    org_id: i64,
    #[serde(flatten)]
    profile: ProfileDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_policy: Option<PolicyDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    management_per_minute: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runtime_per_minute: Option<i64>,
    /// JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ui: Option<String>,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyDocument {
    base_ms: i64,
    max_ms: i64,
    max_retries: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileDocument {
    name: String,
    code: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    region: Option<String>,
    timezone: Option<String>,
}

impl From<&Profile> for ProfileDocument {
    fn from(profile: &Profile) -> Self {
        let Profile {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        } = profile.clone();
        Self {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        }
    }
}

impl From<ProfileDocument> for Profile {
    fn from(document: ProfileDocument) -> Self {
        let ProfileDocument {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        } = document;
        Self {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        }
    }
}

impl OrganizationDocument {
    pub(crate) fn new(organization: &Organization, revision: u64) -> Self {
        let Organization {
            org_id,
            profile,
            retention_days,
            retry_policy,
            request_limits,
            ui,
            revision: _,
            created_at,
            updated_at,
        } = organization;
        Self {
            id: org_id.0,
            org_id: org_id.0,
            profile: profile.into(),
            retention_days: retention_days.map(i64::from),
            retry_policy: retry_policy.as_ref().map(PolicyDocument::from),
            management_per_minute: request_limits.management_per_minute.map(i64::from),
            runtime_per_minute: request_limits.runtime_per_minute.map(i64::from),
            ui: (!ui.is_empty()).then(|| json_text(&Value::from(ui.clone()))),
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }
}

impl From<OrganizationDocument> for Organization {
    fn from(document: OrganizationDocument) -> Self {
        let OrganizationDocument {
            id: _,
            org_id,
            profile,
            retention_days,
            retry_policy,
            management_per_minute,
            runtime_per_minute,
            ui,
            revision,
            created_at,
            updated_at,
        } = document;
        Self {
            org_id: OrgId(org_id),
            profile: profile.into(),
            retention_days: retention_days.and_then(|days| u32::try_from(days).ok()),
            retry_policy: retry_policy.and_then(PolicyDocument::read),
            request_limits: RequestLimits {
                management_per_minute: management_per_minute.and_then(|most| u32::try_from(most).ok()),
                runtime_per_minute: runtime_per_minute.and_then(|most| u32::try_from(most).ok()),
            },
            // A value that no version of this program wrote is dropped.
            ui: ui.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            revision: unsigned(revision),
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
        }
    }
}

impl From<&RetryPolicy> for PolicyDocument {
    fn from(policy: &RetryPolicy) -> Self {
        Self {
            base_ms: long(policy.base_ms()),
            max_ms: long(policy.max_ms()),
            max_retries: i64::from(policy.max_retries()),
        }
    }
}

impl PolicyDocument {
    /// The policy, unless no version of this program wrote it.
    fn read(self) -> Option<RetryPolicy> {
        let max_retries = u32::try_from(self.max_retries).ok()?;
        RetryPolicy::new(unsigned(self.base_ms), unsigned(self.max_ms), max_retries).ok()
    }
}
