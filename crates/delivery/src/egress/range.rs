//! Address ranges that are not public, and IPv4 addresses inside IPv6 ones.
//!
//! Sources: IANA's special-purpose registries for IPv4 and IPv6, and the RFCs named below.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A network's description, its first address and the length of its prefix.
type V4Range = (&'static str, Ipv4Addr, u32);
type V6Range = (&'static str, Ipv6Addr, u32);

const V4: [V4Range; 16] = [
    ("unspecified", Ipv4Addr::UNSPECIFIED, 8),
    ("private", Ipv4Addr::new(10, 0, 0, 0), 8),
    ("shared by a carrier", Ipv4Addr::new(100, 64, 0, 0), 10),
    ("loopback", Ipv4Addr::new(127, 0, 0, 0), 8),
    ("link-local", Ipv4Addr::new(169, 254, 0, 0), 16),
    ("private", Ipv4Addr::new(172, 16, 0, 0), 12),
    ("reserved", Ipv4Addr::new(192, 0, 0, 0), 24),
    ("documentation", Ipv4Addr::new(192, 0, 2, 0), 24),
    ("reserved", Ipv4Addr::new(192, 88, 99, 0), 24),
    ("private", Ipv4Addr::new(192, 168, 0, 0), 16),
    ("benchmarking", Ipv4Addr::new(198, 18, 0, 0), 15),
    ("documentation", Ipv4Addr::new(198, 51, 100, 0), 24),
    ("documentation", Ipv4Addr::new(203, 0, 113, 0), 24),
    ("multicast", Ipv4Addr::new(224, 0, 0, 0), 4),
    ("broadcast", Ipv4Addr::BROADCAST, 32),
    ("reserved", Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of IPv6 only `2000::/3` is public at all. These ranges have a message of their own, or lie within it.
const V6: [V6Range; 10] = [
    ("unspecified", Ipv6Addr::UNSPECIFIED, 128),
    ("loopback", Ipv6Addr::LOCALHOST, 128),
    ("a local translation", Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    ("reserved", Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    ("documentation", Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    ("documentation", Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ("unique-local", Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    ("link-local", Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    ("site-local", Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    ("multicast", Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

const GLOBAL_UNICAST: V6Range = ("", Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The kind of an address that is not public.
pub(super) fn v4_kind(address: Ipv4Addr) -> Option<&'static str> {
    let inside = |(_, first, prefix): &&V4Range| (address.to_bits() ^ first.to_bits()) >> (32 - prefix) == 0;
    V4.iter().find(inside).map(|(kind, ..)| *kind)
}

/// The kind of an address that is not public, whatever it embeds.
pub(super) fn v6_kind(address: Ipv6Addr) -> Option<&'static str> {
    let named = V6.iter().find(|range| within(address, range)).map(|(kind, ..)| *kind);
    named.or_else(|| (!within(address, &GLOBAL_UNICAST)).then_some("reserved"))
}

fn within(address: Ipv6Addr, (_, first, prefix): &V6Range) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (128 - prefix) == 0
}

/// The IPv4 address that a translator (NAT64, RFC 6052) reaches through this one.
pub(super) fn nat64_target(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else {
        return None;
    };
    Some(v4(high, low))
}

/// The IPv4 addresses that a tunnel or a translator may read out of this one, beside [`nat64_target`]: compatible (RFC 4291), 6to4 (RFC
/// 3056), Teredo's server and client (RFC 4380), local translation in all of its layouts (RFC 8215, RFC 6052), ISATAP (RFC 5214).
pub(super) fn embedded_addresses(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let segments = address.segments();
    let mut found = match segments {
        [0, 0, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => vec![v4(high, low)],
        [0x2001, 0, high, low, _, _, client_high, client_low] => vec![v4(high, low), v4(!client_high, !client_low)],
        [0x64, 0xff9b, 1, ..] => locally_translated(address).to_vec(),
        _ => Vec::new(),
    };
    if let [_, _, _, _, 0 | 0x200, 0x5efe, high, low] = segments {
        found.push(v4(high, low));
    }
    found
}

/// A local prefix may be 48, 56, 64 or 96 bits long; bits 64 to 71 are skipped (RFC 6052, 2.2).
fn locally_translated(address: Ipv6Addr) -> [Ipv4Addr; 4] {
    let bytes = address.octets();
    [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]].map(|at| Ipv4Addr::from(at.map(|at| bytes[at])))
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}
