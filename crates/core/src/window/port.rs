//! Where windows are kept.

use std::fmt;

use async_trait::async_trait;

use super::{Ask, Grant, RateLimit};
use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId};
use crate::ports::StoreError;

/// What a limit is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WindowKey {
    /// The deliveries of an outbound integration, or the requests through an inbound one.
    Integration(OrgId, IntegrationId),
    /// An organisation's requests to the management API.
    Management(OrgId),
    /// An organisation's runtime requests and pushed events.
    Runtime(OrgId),
    /// Requests from one address, before anybody is known.
    Address(std::net::IpAddr),
    /// Logins to one account that failed, by the hash of its address.
    LoginsTo(String),
    /// Logins from one address that failed.
    LoginsFrom(std::net::IpAddr),
}

/// As the store's identifiers write it.
impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integration(org, id) => write!(f, "integration:{org}:{id}"),
            Self::Management(org) => write!(f, "management:{org}"),
            Self::Runtime(org) => write!(f, "runtime:{org}"),
            Self::Address(address) => write!(f, "address:{address}"),
            Self::LoginsTo(account) => write!(f, "logins-to:{account}"),
            Self::LoginsFrom(address) => write!(f, "logins-from:{address}"),
        }
    }
}

/// The windows, kept where all processes see them.
#[async_trait]
pub trait RateWindows: Send + Sync {
    /// Applies [`Window::lease`](super::Window::lease) to what is stored under a key.
    ///
    /// One update by identifier, guarded by the version that was read (an insert that fails on a duplicate where there was none); a
    /// version that has moved on is read again and asked again. What is [spent](super::Window::spent_at) may be removed.
    async fn lease(&self, key: &WindowKey, limit: &RateLimit, ask: Ask, now: Timestamp) -> Result<Grant, StoreError>;
}
