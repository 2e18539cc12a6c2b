//! The rule: may this address be connected to?

use std::net::{IpAddr, Ipv6Addr};

use super::allow_list::AllowList;
use super::range::{embedded_addresses, nat64_target, v4_kind, v6_kind};
use super::{Blocked, metadata};

/// Judges one address of a host and port. A pure function.
pub fn verdict(address: IpAddr, host: &str, port: u16, allow: &AllowList) -> Result<(), Blocked> {
    let address = address.to_canonical();
    if reaches_metadata(address) {
        return Err(Blocked::Metadata);
    }
    match non_public_kind(address) {
        Some(kind) if !allow.permits(address, host, port) => Err(Blocked::NotPublic(kind)),
        _ => Ok(()),
    }
}

fn reaches_metadata(address: IpAddr) -> bool {
    let inside = |v6: Ipv6Addr| {
        nat64_target(v6)
            .into_iter()
            .chain(embedded_addresses(v6))
            .any(|v4| metadata::is_address(v4.into()))
    };
    metadata::is_address(address) || matches!(address, IpAddr::V6(v6) if inside(v6))
}

/// The kind of an address that is not public, seen through translators and tunnels.
fn non_public_kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => v4_kind(v4),
        IpAddr::V6(v6) => match nat64_target(v6) {
            Some(v4) => v4_kind(v4),
            None => v6_kind(v6).or_else(|| embedded_addresses(v6).into_iter().find_map(v4_kind)),
        },
    }
}

#[cfg(test)]
mod tests;
