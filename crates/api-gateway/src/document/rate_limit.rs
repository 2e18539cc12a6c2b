//! Request limits of organisations, as platform teams read them.

use ig_core::organization::Organization;
use ig_store::{Listed, Page};
use serde::Serialize;
use utoipa::ToSchema;

use super::UnreadableEntry;

use super::RequestLimitsDocument;
use crate::limits::RateLimits;

/// How many requests an organisation may send in any minute; null is no limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimitEntry {
    /// The organisation.
    org_id: i64,
    /// The organisation's display name.
    name: String,
    /// Management requests.
    management_per_minute: Option<u32>,
    /// Pushed events and calls to inbound integrations.
    runtime_per_minute: Option<u32>,
    /// The organisation's own limits, where it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<RequestLimitsDocument>,
}

/// A page of organisations and their request limits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimitList {
    /// The limits of the platform, which apply by default.
    platform: PlatformLimits,
    /// The items of this page.
    rate_limits: Vec<RateLimitEntry>,
    /// The items of this page that cannot be read; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableEntry>,
    /// The number of items on all pages.
    total: u64,
    /// The number of this page, from 1.
    page: u64,
    /// The maximum number of items on a page.
    limit: u32,
    /// Whether there are further pages.
    has_more: bool,
}

/// The platform's request limits in any minute; null is no limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "fields carry their unit")]
struct PlatformLimits {
    /// Requests from one address.
    address_per_minute: Option<u32>,
    /// Management requests of one organisation.
    management_per_minute: Option<u32>,
    /// Pushed events and calls to inbound integrations, of one organisation.
    runtime_per_minute: Option<u32>,
}

impl RateLimitEntry {
    /// The limits in force for an organisation.
    pub(crate) fn of(organization: &Organization, limits: &RateLimits) -> Self {
        let own = organization.request_limits;
        let max_requests = |limit: Option<ig_core::window::RateLimit>| limit.map(|limit| limit.max_requests());
        Self {
            org_id: organization.org_id.0,
            name: organization.profile.name.clone(),
            management_per_minute: max_requests(limits.management(own)),
            runtime_per_minute: max_requests(limits.runtime(own)),
            own: RequestLimitsDocument::shown(own),
        }
    }
}

impl RateLimitList {
    /// The response for one page.
    pub(crate) fn of(limits: &RateLimits, listed: Listed<RateLimitEntry>, unreadable: Vec<UnreadableEntry>, page: Page) -> Self {
        let max_requests = |limit: Option<ig_core::window::RateLimit>| limit.map(|limit| limit.max_requests());
        let no_own_limits = ig_core::organization::RequestLimits::default();
        let (rate_limits, total) = (listed.items, listed.total);
        let Page { number: page, limit } = page;
        Self {
            platform: PlatformLimits {
                address_per_minute: max_requests(limits.address()),
                management_per_minute: max_requests(limits.management(no_own_limits)),
                runtime_per_minute: max_requests(limits.runtime(no_own_limits)),
            },
            rate_limits,
            unreadable,
            total,
            page,
            limit,
            has_more: page.saturating_mul(u64::from(limit)) < total,
        }
    }
}
