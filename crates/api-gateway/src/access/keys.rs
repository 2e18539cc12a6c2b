//! API keys: looked up by their hash, and remembered for a second; longer while the database cannot be asked.

use chrono::Utc;
use ig_core::ports::StoreError;
use ig_store::{KeyHash, Store};

use super::Caller;
use super::caller_cache::CallerCache;

/// What is longer is no key of ours and not worth hashing.
const LONGEST: usize = 512;

/// The keys that callers come with.
#[derive(Debug)]
pub(crate) struct Keys {
    store: Store,
    known: CallerCache<KeyHash, Caller>,
}

impl Keys {
    /// Keys as the store has them.
    pub(crate) fn new(store: Store) -> Self {
        let known = CallerCache::default();
        Self { store, known }
    }

    /// Who comes with a key; nobody where it is not known. Only what is known is remembered.
    pub(crate) async fn caller(&self, key: &[u8]) -> Result<Option<Caller>, StoreError> {
        let Some(key) = std::str::from_utf8(key).ok().filter(|key| key.len() <= LONGEST) else {
            return Ok(None);
        };
        let hash = KeyHash::of(key);
        let found = self.known.or_look(&hash, || self.find(&hash)).await?;
        // A key that is remembered may have ended since.
        Ok(found.filter(|caller| !caller.has_ended(Utc::now())))
    }

    async fn find(&self, hash: &KeyHash) -> Result<Option<Caller>, StoreError> {
        let found = self.store.api_keys().find(hash).await?;
        Ok(found.map(Caller::with_key))
    }

    /// Forgets what is remembered of keys: one was revoked here.
    pub(crate) fn forget(&self) {
        self.known.forget_all();
    }
}
