//! Where windows are kept.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

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
    /// Requests of one subscriber, before anybody is known.
    Address(IpAddr),
    /// Logins to one account that failed, by the hash of its address, from one subscriber: whoever fails shuts out nobody else.
    LoginsTo(String, IpAddr),
    /// Logins of one subscriber that failed.
    LoginsFrom(IpAddr),
}

/// Whom an address stands for where requests are counted. Whoever has one address of IPv6 has the network of 64 bits that it lies in.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

/// As the store's identifiers write it.
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

/// The windows, kept where all processes see them.
#[async_trait]
pub trait RateWindows: Send + Sync {
    /// Applies [`Window::lease`](super::Window::lease) to what is stored under a key.
    ///
    /// One update by identifier, guarded by the version that was read (an insert that fails on a duplicate where there was none); a
    /// version that has moved on is read again and asked again. What is [spent](super::Window::spent_at) may be removed.
    async fn lease(&self, key: &WindowKey, limit: &RateLimit, ask: Ask, now: Timestamp) -> Result<Grant, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_of_ipv6_are_networks_and_mapped_addresses_are_ipv4() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(subscriber(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }
}
