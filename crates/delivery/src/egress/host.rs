//! Parses a URL's host: an address in one of its spellings, or a name.

use std::net::{IpAddr, Ipv4Addr};

use super::{Blocked, metadata};

/// What `localhost` means when nothing is resolved.
pub(super) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A parsed host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// An address.
    Address(IpAddr),
    /// A name that always means this machine.
    Loopback,
    /// A name to resolve.
    Name(String),
}

impl Host {
    /// Parses a host; an IPv6 address comes without its brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, Blocked> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if let Some(address) = inet_aton(&name) {
            return Ok(Self::Address(address.into()));
        }
        if !is_name(&name) {
            return Err(Blocked::NotAHost);
        }
        if metadata::is_name(&name) {
            return Err(Blocked::Metadata);
        }
        Ok(if is_loopback(&name) {
            Self::Loopback
        } else {
            Self::Name(name)
        })
    }
}

/// An IPv4 address as `inet_aton(3)` reads it, and thus resolvers: one to four numbers, decimal, octal (`0…`) or hexadecimal (`0x…`), the
/// last of which fills all remaining bytes.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts = text.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|part| *part > 0xff) {
        return None;
    }
    let free_bits = 8 * (4 - leading.len());
    if u64::from(*last) >> free_bits != 0 {
        return None;
    }
    let high = leading
        .iter()
        .enumerate()
        .map(|(at, part)| part << (24 - 8 * at))
        .sum::<u32>();
    Some(Ipv4Addr::from(high | last))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// Letters, digits, hyphens and underscores, in labels of up to 63. The last label is not a number: that would be an address.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let ends_in_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    text.len() <= 253 && text.split('.').all(is_label) && !ends_in_number
}

fn is_loopback(name: &str) -> bool {
    const NAMES: [&str; 4] = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];
    NAMES.contains(&name) || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_parses_every_spelling_of_an_address() {
        let table = [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0X7F.0.0.1", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("10.65535", "10.0.255.255"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ];
        for (text, address) in table {
            assert_eq!(Host::parse(text), Ok(Host::Address(address.parse().unwrap())), "{text}");
        }
    }

    #[test]
    fn host_parses_names() {
        for name in ["example.org", "a_b.example", "xn--mnchen-3ya.de", "1e100.net", "0x.example"] {
            assert_eq!(Host::parse(name), Ok(Host::Name(name.to_owned())));
        }
        for name in ["localhost", "LOCALHOST.", "a.b.localhost", "ip6-localhost"] {
            assert_eq!(Host::parse(name), Ok(Host::Loopback), "{name}");
        }
        for name in ["metadata.google.internal", "Metadata.Google.Internal."] {
            assert_eq!(Host::parse(name), Err(Blocked::Metadata), "{name}");
        }
    }

    #[test]
    fn host_refuses_what_is_neither_address_nor_name() {
        for text in [
            "",
            ".",
            "a..b",
            "256.0.0.1",
            "1.2.3.4.5",
            "127.0.0.08",
            "0x",
            "4294967296",
            "a b",
            "fe80::1%25eth0",
            "v1.x:y",
            "a.0x7f",
        ] {
            assert_eq!(Host::parse(text), Err(Blocked::NotAHost), "{text}");
        }
    }
}
