//! The tenants: organisations and their units.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::dead_letter_retry::RetryPolicy;
use crate::id::{OrgId, Rid};

/// Name and contact details of an organisation or a unit.
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

/// An organisation's own limits of requests per minute, where they differ from the platform's; 0 means unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestLimits {
    /// Requests to the management API.
    pub management_per_minute: Option<u32>,
    /// Pushed events and calls to inbound integrations.
    pub runtime_per_minute: Option<u32>,
}

/// An organisation: the tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// The tenant's number.
    pub org_id: OrgId,
    /// Name and contacts.
    pub profile: Profile,
    /// How long logs are kept; `None` means the platform's default.
    pub retention_days: Option<u32>,
    /// How its dead letters are retried; `None` means the platform's default.
    pub retry_policy: Option<RetryPolicy>,
    /// Its limits of requests.
    pub request_limits: RequestLimits,
    /// The appearance of its console: a JSON object that the platform stores and does not interpret; may be empty.
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
