//! Who the tenants are.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::id::{OrgId, Rid};
use crate::redelivery::RetryPolicy;

/// How an organisation or a unit is described and reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Display name.
    pub name: String,
    /// Short code.
    pub code: Option<String>,
    /// Contact address.
    pub email: Option<String>,
    /// Contact telephone number.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Region, such as `eu-west`.
    pub region: Option<String>,
    /// IANA timezone name, such as `Asia/Kolkata`.
    pub timezone: Option<String>,
}

/// How many requests an organisation may send in any minute, where that is not what the platform says for all; 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestLimits {
    /// To its management.
    pub management_per_minute: Option<u32>,
    /// Of events and calls to its inbound integrations.
    pub runtime_per_minute: Option<u32>,
}

/// An organisation: the tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// The tenant's number.
    pub org_id: OrgId,
    /// Name and contacts.
    pub profile: Profile,
    /// How long logs are kept; the platform's default where absent.
    pub retention_days: Option<u32>,
    /// How its dead letters are tried again; as the platform does where absent.
    pub retry_policy: Option<RetryPolicy>,
    /// How many requests it may send.
    pub request_limits: RequestLimits,
    /// What its people's console looks like: a JSON object that the platform keeps and does not read; empty where nobody said.
    pub ui: Map<String, Value>,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A unit of an organisation: a clinic, a department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgUnit {
    /// The organisation it belongs to.
    pub org_id: OrgId,
    /// Its globally unique number.
    pub rid: Rid,
    /// Name and contacts.
    pub profile: Profile,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
