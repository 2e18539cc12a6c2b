//! Settings of the database and of the encryption keys.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

const MASK: &str = "********";

/// Section `[mongodb]`: the database's address and the time limits on its use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MongoConfig {
    /// Connection string; its password is masked where the configuration is shown.
    #[serde(serialize_with = "masked_uri")]
    pub uri: String,
    /// The database that holds every collection.
    pub database: String,
    /// The most connections that one process opens.
    pub max_pool_size: u32,
    /// How long to search for a usable server, in milliseconds.
    pub server_selection_timeout_ms: u64,
    /// How long a connection may take to open, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long one operation may take, its retries included, in milliseconds; after that the database counts as unavailable.
    pub operation_timeout_ms: u64,
}

impl Default for MongoConfig {
    fn default() -> Self {
        Self {
            uri: "mongodb://127.0.0.1:27017".to_owned(),
            database: "integration_gateway".to_owned(),
            max_pool_size: 100,
            server_selection_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            operation_timeout_ms: 30_000,
        }
    }
}

impl MongoConfig {
    pub(crate) fn server_selection_timeout(&self) -> Duration {
        Duration::from_millis(self.server_selection_timeout_ms)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn operation_timeout(&self) -> Duration {
        Duration::from_millis(self.operation_timeout_ms)
    }
}

impl fmt::Debug for MongoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            uri,
            database,
            max_pool_size,
            server_selection_timeout_ms,
            connect_timeout_ms,
            operation_timeout_ms,
        } = self;
        f.debug_struct("MongoConfig")
            .field("uri", &without_password(uri))
            .field("database", database)
            .field("max_pool_size", max_pool_size)
            .field("server_selection_timeout_ms", server_selection_timeout_ms)
            .field("connect_timeout_ms", connect_timeout_ms)
            .field("operation_timeout_ms", operation_timeout_ms)
            .finish()
    }
}

/// Section `[secrets]`: the keys that encrypt tenants' secrets at rest.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// `id:base64` of 32 bytes each; the first encrypts, all decrypt.
    #[serde(serialize_with = "masked_keys")]
    pub keys: Vec<String>,
}

impl fmt::Debug for SecretsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.keys.iter().map(|key| masked_key(key)).collect();
        f.debug_struct("SecretsConfig").field("keys", &keys).finish()
    }
}

fn masked_uri<S: Serializer>(uri: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_password(uri))
}

fn masked_keys<S: Serializer>(keys: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(|key| masked_key(key)))
}

fn masked_key(key: &str) -> String {
    key.split_once(':')
        .map_or_else(|| MASK.to_owned(), |(id, _)| format!("{id}:{MASK}"))
}

/// The password ends at the last `@` before the path, even if it contains an `@`.
fn without_password(uri: &str) -> String {
    let start = uri.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = uri.split_at(start);
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let Some(at) = rest[..authority_end].rfind('@') else {
        return uri.to_owned();
    };
    let user = rest[..at].split_once(':').map_or(&rest[..at], |(user, _)| user);
    format!("{scheme}{user}:{MASK}{}", &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_is_shown_without_password_and_keys() {
        let config = MongoConfig {
            uri: "mongodb://ada:s3cret@db.example:27017/x?tls=true".to_owned(),
            ..MongoConfig::default()
        };
        let secrets = SecretsConfig {
            keys: vec!["k1:c2VjcmV0".to_owned(), "without-an-id".to_owned()],
        };
        let shown = format!(
            "{config:?} {secrets:?} {} {}",
            serde_json::to_string(&config).unwrap(),
            serde_json::to_string(&secrets).unwrap()
        );
        for secret in ["s3cret", "c2VjcmV0", "without-an-id"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(
            shown.contains("mongodb://ada:********@db.example:27017/x?tls=true"),
            "{shown}"
        );
    }

    #[test]
    fn config_shows_a_uri_without_a_password_as_it_is() {
        let uri = "mongodb://127.0.0.1:27017/?directConnection=true";
        assert_eq!(without_password(uri), uri);
    }
}
