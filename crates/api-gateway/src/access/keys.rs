//! API keys: looked up by their hash and cached for a second, or longer while the database is unavailable.

use chrono::Utc;
use ig_core::ports::StoreError;
use ig_store::{KeyHash, Store};

use super::Caller;
use super::caller_cache::CallerCache;

/// A longer text cannot be one of our keys and is not worth hashing.
const MAX_KEY_BYTES: usize = 512;

/// The API keys of callers.
#[derive(Debug)]
pub(crate) struct ApiKeys {
    store: Store,
    cache: CallerCache<KeyHash, Caller>,
}

impl ApiKeys {
    /// Reads keys from the store.
    pub(crate) fn new(store: Store) -> Self {
        let cache = CallerCache::default();
        Self { store, cache }
    }

    /// The caller behind a key, if the key is known. Only known keys are cached.
    pub(crate) async fn authenticate(&self, key: &[u8]) -> Result<Option<Caller>, StoreError> {
        let Some(key) = std::str::from_utf8(key).ok().filter(|key| key.len() <= MAX_KEY_BYTES) else {
            return Ok(None);
        };
        let hash = KeyHash::of(key);
        let found = self.cache.get_or_load(&hash, || self.find(&hash)).await?;
        // A cached key may have expired since.
        Ok(found.filter(|caller| !caller.is_expired(Utc::now())))
    }

    async fn find(&self, hash: &KeyHash) -> Result<Option<Caller>, StoreError> {
        let found = self.store.api_keys().find(hash).await?;
        Ok(found.map(Caller::of_key))
    }

    /// Drops all cached keys, since one was revoked on this replica.
    pub(crate) fn forget_all(&self) {
        self.cache.forget_all();
    }
}
