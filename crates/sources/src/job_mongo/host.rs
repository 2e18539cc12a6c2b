//! A host of a database.

use std::fmt;

use mongodb::options::ServerAddress;

/// The port of a host without one.
const DEFAULT_PORT: u16 = 27_017;
/// The longest name in DNS.
const MAX_NAME_BYTES: usize = 253;

/// The name or address of a host, and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl Host {
    /// Reads a host as a server names it. A path of a socket is no host.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::of(&ServerAddress::parse(text).ok()?)
    }

    /// A host that the driver parsed, unless it is a path.
    pub(super) fn of(address: &ServerAddress) -> Option<Self> {
        let ServerAddress::Tcp { host, port } = address else {
            return None;
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        let is_host = !host.is_empty() && host.len() <= MAX_NAME_BYTES && host.bytes().all(is_name);
        is_host.then(|| Self {
            name: host.clone(),
            port: port.unwrap_or(DEFAULT_PORT),
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') {
            write!(f, "[{name}]:{port}")
        } else {
            write!(f, "{name}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_has_a_name_and_a_port() {
        let shown = |text: &str| Host::parse(text).map(|host| host.to_string());
        assert_eq!(shown("DB.example"), Some("db.example:27017".to_owned()));
        assert_eq!(shown("10.0.0.1:5"), Some("10.0.0.1:5".to_owned()));
        assert_eq!(shown("[::1]:5"), Some("[::1]:5".to_owned()));
    }

    #[test]
    fn path_of_a_socket_is_no_host() {
        for text in [
            "/tmp/mongodb-27017.sock",
            "%2Ftmp%2Fmongodb-27017.sock",
            "mongodb.sock",
            "/tmp/x",
            "a b",
            "",
            "a:0",
            "a/b",
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
        assert_eq!(Host::parse(&"a".repeat(254)), None);
    }
}
