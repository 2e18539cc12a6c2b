//! The store of windows.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use async_trait::async_trait;

use super::{Grant, LeaseRequest, RateLimit};
use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId};
use crate::ports::StoreError;

/// The subject of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WindowKey {
    /// The deliveries of an outbound integration, or the requests through an inbound one.
    Integration(OrgId, IntegrationId),
    /// An organisation's requests to the management API.
    Management(OrgId),
    /// An organisation's runtime requests and pushed events.
    Runtime(OrgId),
    /// Requests from one subscriber, before authentication.
    Address(IpAddr),
    /// Failed logins to one account, by the hash of its address, from one subscriber: a failing client locks out only itself.
    LoginsTo(String, IpAddr),
    /// Failed logins from one subscriber.
    LoginsFrom(IpAddr),
}

/// The subscriber that an address stands for in rate limits. A subscriber with one IPv6 address has its whole /64 network.
pub fn subscriber_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

/// The form that the store's identifiers use.
impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integration(org, id) => write!(f, "integration:{org}:{id}"),
            Self::Management(org) => write!(f, "management:{org}"),
            Self::Runtime(org) => write!(f, "runtime:{org}"),
            Self::Address(address) => write!(f, "address:{address}"),
            Self::LoginsTo(account, address) => write!(f, "logins-to:{account}:{address}"),
            Self::LoginsFrom(address) => write!(f, "logins-from:{address}"),
        }
    }
}

/// The windows, shared by all processes.
#[async_trait]
pub trait RateWindows: Send + Sync {
    /// Applies [`Window::lease`](super::Window::lease) to the stored window of a key.
    ///
    /// One update by identifier, guarded by the version that was read (or an insert that fails on a duplicate); on a conflict
    /// the window is read again and the lease is recomputed. A [expired](super::Window::expires_at) window may be removed.
    async fn lease(&self, key: &WindowKey, limit: &RateLimit, request: LeaseRequest, now: Timestamp)
    -> Result<Grant, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_is_a_network_and_a_mapped_address_is_ipv4() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(subscriber_of(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }
}
