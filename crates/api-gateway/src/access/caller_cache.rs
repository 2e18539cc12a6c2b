//! A short-lived cache of callers, which lasts longer while the database is unavailable.

use std::hash::Hash;
use std::time::{Duration, Instant};

use ig_core::ports::StoreError;
use moka::future::Cache;

/// The longest that another replica serves a caller after its key or session has ended.
const FRESH_FOR: Duration = Duration::from_millis(900);
/// The longest that an entry serves while the database is unavailable: nothing can be revoked meanwhile.
const STALE_FOR: Duration = Duration::from_mins(5);
const MAX_ENTRIES: u64 = 10_000;

/// What the database returned last for each caller. Unknown callers are not cached.
pub(super) struct CallerCache<K, V>(Cache<K, Cached<V>>);

#[derive(Clone)]
struct Cached<V> {
    value: V,
    at: Instant,
}

impl<K, V> Default for CallerCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(STALE_FOR).build())
    }
}

impl<K, V> CallerCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns a fresh entry or looks the caller up; falls back to a stale entry while the database is unavailable.
    pub(super) async fn get_or_load<F>(&self, key: &K, load: impl FnOnce() -> F) -> Result<Option<V>, StoreError>
    where
        F: Future<Output = Result<Option<V>, StoreError>>,
    {
        let cached = self.0.get(key).await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.at.elapsed() < FRESH_FOR) {
            return Ok(Some(cached.value.clone()));
        }
        match (load().await, cached) {
            (Err(StoreError::Unavailable(_)), Some(cached)) => Ok(Some(cached.value)),
            (Err(error), _) => Err(error),
            (Ok(Some(value)), _) => {
                let cached = Cached {
                    value: value.clone(),
                    at: Instant::now(),
                };
                self.0.insert(key.clone(), cached).await;
                Ok(Some(value))
            }
            (Ok(None), _) => {
                self.forget(key).await;
                Ok(None)
            }
        }
    }

    /// Drops an entry that was ended on this replica.
    pub(super) async fn forget(&self, key: &K) {
        self.0.invalidate(key).await;
    }

    /// Drops all entries, since this replica ended some of them.
    pub(super) fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

impl<K, V> std::fmt::Debug for CallerCache<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallerCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWAY: fn() -> StoreError = || StoreError::Unavailable("away".to_owned());

    #[tokio::test]
    async fn caller_cache_serves_the_last_known_caller_only_while_the_database_is_away() {
        let remembered = CallerCache::<u8, &str>::default();
        let look_up = async |answer| remembered.get_or_load(&1, || async move { answer }).await;
        assert_eq!(look_up(Err(AWAY())).await, Err(AWAY()));
        assert_eq!(look_up(Ok(Some("ada"))).await, Ok(Some("ada")));
        tokio::time::sleep(FRESH_FOR).await;
        assert_eq!(look_up(Err(AWAY())).await, Ok(Some("ada")));
        assert_eq!(look_up(Ok(None)).await, Ok(None));
        assert_eq!(look_up(Err(AWAY())).await, Err(AWAY()), "what has ended is not served again");
    }
}
