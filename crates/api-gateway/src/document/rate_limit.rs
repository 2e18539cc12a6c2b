//! How many requests organisations may send, as platform teams read it.

use ig_core::organization::Organization;
use ig_store::{Listed, Page};
use serde::Serialize;
use utoipa::ToSchema;

use super::RequestLimitsDocument;
use crate::limits::RateLimits;

/// How many requests an organisation may send in any minute; null is no limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimitEntry {
    /// The organisation.
    org_id: i64,
    /// Its display name.
    name: String,
    /// To its management.
    management_per_minute: Option<u32>,
    /// Of events and calls to its inbound integrations.
    runtime_per_minute: Option<u32>,
    /// What is said for it alone, where anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<RequestLimitsDocument>,
}

/// A page of organisations with how many requests they may send.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimitList {
    /// What the platform says for all.
    platform: PlatformLimits,
    /// The items of this page.
    rate_limits: Vec<RateLimitEntry>,
    /// How many there are in all.
    total: u64,
    /// Which page this is, from 1.
    page: u64,
    /// How many items a page has at most.
    limit: u32,
    /// Whether there are further pages.
    has_more: bool,
}

/// How many requests are taken in any minute; null is no limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "fields carry their unit")]
struct PlatformLimits {
    /// From one address.
    address_per_minute: Option<u32>,
    /// For one organisation, to its management.
    management_per_minute: Option<u32>,
    /// For one organisation, of events and calls to its inbound integrations.
    runtime_per_minute: Option<u32>,
}

impl RateLimitEntry {
    /// What holds for an organisation.
    pub(crate) fn of(organization: &Organization, limits: &RateLimits) -> Self {
        let own = organization.request_limits;
        let most = |limit: Option<ig_core::window::RateLimit>| limit.map(|limit| limit.max_requests());
        Self {
            org_id: organization.org_id.0,
            name: organization.profile.name.clone(),
            management_per_minute: most(limits.management(own)),
            runtime_per_minute: most(limits.runtime(own)),
            own: RequestLimitsDocument::shown(own),
        }
    }
}

impl RateLimitList {
    /// A page.
    pub(crate) fn of(limits: &RateLimits, listed: Listed<RateLimitEntry>, page: Page) -> Self {
        let most = |limit: Option<ig_core::window::RateLimit>| limit.map(|limit| limit.max_requests());
        let nothing_own = ig_core::organization::RequestLimits::default();
        let (rate_limits, total) = (listed.items, listed.total);
        let Page { number: page, limit } = page;
        Self {
            platform: PlatformLimits {
                address_per_minute: most(limits.address()),
                management_per_minute: most(limits.management(nothing_own)),
                runtime_per_minute: most(limits.runtime(nothing_own)),
            },
            rate_limits,
            total,
            page,
            limit,
            has_more: page.saturating_mul(u64::from(limit)) < total,
        }
    }
}
