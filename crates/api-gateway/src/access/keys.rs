//! API keys: looked up by their hash, and remembered for a second.

use std::time::Duration;

use chrono::Utc;
use ig_core::ports::StoreError;
use ig_store::{ApiKey, KeyHash, Store};
use moka::future::Cache;

use super::Caller;

/// A key that is revoked works this much longer at most, in a replica that did not revoke it.
const REMEMBERED: Duration = Duration::from_millis(900);
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
            .map(Caller::with_key);
        if let Some(caller) = &found {
            self.known.insert(hash, caller.clone()).await;
        }
        Ok(found)
    }

    /// Forgets what is remembered of keys: one was revoked here.
    pub(crate) fn forget(&self) {
        self.known.invalidate_all();
    }
}

fn is_current(key: &ApiKey) -> bool {
    key.expires_at.is_none_or(|end| Utc::now() < end)
}
