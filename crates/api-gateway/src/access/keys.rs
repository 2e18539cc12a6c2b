//! API keys: looked up by their hash, and remembered for a second.

use std::time::Duration;

use chrono::Utc;
use ig_core::ports::StoreError;
use ig_store::{ApiKey, KeyHash, Store};
use moka::future::Cache;

use super::{Caller, Reach};

/// A key that is revoked works this much longer at most.
const REMEMBERED: Duration = Duration::from_secs(1);
const MOST: u64 = 10_000;
/// What is longer is no key of ours and not worth hashing.
const LONGEST: usize = 512;

/// The keys that callers come with.
#[derive(Debug)]
pub(crate) struct Keys {
    store: Store,
    known: Cache<KeyHash, Caller>,
}

impl Keys {
    /// Keys as the store has them.
    pub(crate) fn new(store: Store) -> Self {
        let known = Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build();
        Self { store, known }
    }

    /// Who comes with a key; nobody where it is not known. Only what is known is remembered.
    pub(crate) async fn caller(&self, key: &[u8]) -> Result<Option<Caller>, StoreError> {
        let Some(key) = std::str::from_utf8(key).ok().filter(|key| key.len() <= LONGEST) else {
            return Ok(None);
        };
        let hash = KeyHash::of(key);
        if let Some(caller) = self.known.get(&hash).await {
            return Ok(Some(caller));
        }
        let found = self
            .store
            .api_keys()
            .find(&hash)
            .await?
            .filter(is_current)
            .map(|key| Caller::from(&key));
        if let Some(caller) = found {
            self.known.insert(hash, caller).await;
        }
        Ok(found)
    }
}

fn is_current(key: &ApiKey) -> bool {
    key.expires_at.is_none_or(|end| Utc::now() < end)
}

impl From<&ApiKey> for Caller {
    fn from(key: &ApiKey) -> Self {
        Self {
            reach: key.org_id.map_or(Reach::Everything, Reach::Org),
        }
    }
}
