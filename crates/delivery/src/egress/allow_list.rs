//! Addresses that an operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ig_core::fault::Faults;
use ipnet::IpNet;

/// The addresses that are allowed although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// Every port of every address in a network.
    Network(IpNet),
    /// One port of one address.
    Socket(SocketAddr),
    /// One port of a name, whatever it resolves to.
    Name(String, u16),
}

impl AllowList {
    /// Reads the entries and reports every fault, such as one at `/egress/allow/0`.
    pub fn parse(texts: &[String]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut entries = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match parse_entry(text.trim()) {
                Some(entry) => entries.push(entry),
                None => faults.add(
                    format!("/egress/allow/{index}"),
                    "must be a network such as 10.1.0.0/16, or a host and its port such as hooks.internal:8443",
                ),
            }
        }
        faults.into_result(Self { entries })
    }

    /// Whether an address is allowed under the requested host and port.
    pub(crate) fn permits(&self, address: IpAddr, host: &str, port: u16) -> bool {
        self.entries.iter().any(|entry| entry.permits(address, host, port))
    }
}

impl Entry {
    fn permits(&self, address: IpAddr, host: &str, port: u16) -> bool {
        match self {
            Self::Network(network) => equivalents(address).any(|address| network.contains(&address)),
            Self::Socket(socket) => socket.port() == port && equivalents(address).any(|address| socket.ip() == address),
            Self::Name(name, open) => *open == port && same_name(name, host),
        }
    }
}

/// The address itself, and 127.0.0.1 beside `::1`: an entry for either means this machine.
fn equivalents(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let loopback = (address == IpAddr::V6(Ipv6Addr::LOCALHOST)).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    std::iter::once(address).chain(loopback)
}

fn same_name(name: &str, host: &str) -> bool {
    name.eq_ignore_ascii_case(host.strip_suffix('.').unwrap_or(host))
}

fn parse_entry(text: &str) -> Option<Entry> {
    if let Ok(network) = text.parse() {
        return Some(Entry::Network(network));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Entry::Network(address.into()));
    }
    if let Ok(socket) = text.parse() {
        return Some(Entry::Socket(socket));
    }
    let (name, port) = text.rsplit_once(':')?;
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_name.then_some(Entry::Name(name.to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(texts: &[&str]) -> Result<AllowList, Faults> {
        let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
        AllowList::parse(&texts)
    }

    #[test]
    fn allow_list_permits_what_its_entries_name_and_nothing_else() {
        let table = [
            ("10.1.0.0/16", "10.1.255.1", "x", 9, true),
            ("10.1.0.0/16", "10.2.0.1", "x", 9, false),
            ("10.1.2.3", "10.1.2.3", "x", 9, true),
            ("10.1.2.3:80", "10.1.2.3", "x", 80, true),
            ("10.1.2.3:80", "10.1.2.3", "x", 81, false),
            ("[fd00::1]:80", "fd00::1", "x", 80, true),
            ("Hooks.internal:80", "10.0.0.1", "hooks.Internal.", 80, true),
            ("hooks.internal:80", "10.0.0.1", "other.internal", 80, false),
            ("127.0.0.1:80", "::1", "localhost", 80, true),
            ("::1", "127.0.0.1", "x", 80, false),
        ];
        for (text, address, host, port, permitted) in table {
            assert_eq!(
                allow(&[text]).unwrap().permits(address.parse().unwrap(), host, port),
                permitted,
                "{text} {address}"
            );
        }
    }

    #[test]
    fn allow_list_reports_an_invalid_entry_at_its_index() {
        let faults = allow(&["10.0.0.0/8", "10.0.0.0/33", "host", "host:", ":80", "a b:1", "host:99999", ""]).unwrap_err();
        assert_eq!(faults.list().len(), 7);
        assert_eq!(faults.list()[0].pointer, "/egress/allow/1");
    }
}
