//! Organisations and their units.

use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::id::{OrgId, Rid};
use ig_core::organization::{OrgUnit, Organization, Profile, RequestLimits};

use crate::invalid::{InvalidMessage, Within as _, optional, required};
use crate::json;
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&Profile> for v1::Profile {
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

impl TryFrom<v1::Profile> for Profile {
    type Error = InvalidMessage;

    fn try_from(message: v1::Profile) -> Result<Self, InvalidMessage> {
        let v1::Profile {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        } = message;
        Ok(Self {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        })
    }
}

impl From<&Organization> for v1::Organization {
    fn from(organization: &Organization) -> Self {
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
        Self {
            org_id: org_id.0,
            profile: Some(profile.into()),
            retention_days: *retention_days,
            retry_policy: retry_policy.as_ref().map(v1::RetryPolicy::from),
            management_per_minute: request_limits.management_per_minute,
            runtime_per_minute: request_limits.runtime_per_minute,
            ui: json::object_to_wire(ui),
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
        }
    }
}

impl TryFrom<v1::Organization> for Organization {
    type Error = InvalidMessage;

    fn try_from(message: v1::Organization) -> Result<Self, InvalidMessage> {
        let v1::Organization {
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
        } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            profile: required(profile, "profile")?,
            retention_days,
            retry_policy: optional(retry_policy, "retry_policy")?,
            request_limits: RequestLimits {
                management_per_minute,
                runtime_per_minute,
            },
            ui: json::object_from_wire(&ui).within("ui")?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}

impl From<&RetryPolicy> for v1::RetryPolicy {
    fn from(policy: &RetryPolicy) -> Self {
        Self {
            base_ms: policy.base_ms(),
            max_ms: policy.max_ms(),
            max_retries: policy.max_retries(),
        }
    }
}

impl TryFrom<v1::RetryPolicy> for RetryPolicy {
    type Error = InvalidMessage;

    fn try_from(message: v1::RetryPolicy) -> Result<Self, InvalidMessage> {
        let v1::RetryPolicy {
            base_ms,
            max_ms,
            max_retries,
        } = message;
        Self::new(base_ms, max_ms, max_retries).map_err(InvalidMessage::from)
    }
}

impl From<&OrgUnit> for v1::OrgUnit {
    fn from(unit: &OrgUnit) -> Self {
        let OrgUnit {
            org_id,
            rid,
            profile,
            revision,
            created_at,
            updated_at,
        } = unit;
        Self {
            org_id: org_id.0,
            rid: rid.0,
            profile: Some(profile.into()),
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
        }
    }
}

impl TryFrom<v1::OrgUnit> for OrgUnit {
    type Error = InvalidMessage;

    fn try_from(message: v1::OrgUnit) -> Result<Self, InvalidMessage> {
        let v1::OrgUnit {
            org_id,
            rid,
            profile,
            revision,
            created_at,
            updated_at,
        } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            rid: Rid(rid),
            profile: required(profile, "profile")?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}
