//! Who callers are, remembered for a moment; for longer while the database that says so is away.

use std::hash::Hash;
use std::time::{Duration, Instant};

use ig_core::ports::StoreError;
use moka::future::Cache;

/// What has ended is served this much longer at most, in a replica that did not end it.
const FRESH: Duration = Duration::from_millis(900);
/// While the database is away nothing can be ended, and what it said last holds for so long.
const OTHERWISE: Duration = Duration::from_mins(5);
const MOST: u64 = 10_000;

/// What the database said last of those who call. What it does not know is not remembered.
pub(super) struct CallerCache<K, V>(Cache<K, Said<V>>);

#[derive(Clone)]
struct Said<V> {
    value: V,
    at: Instant,
}

impl<K, V> Default for CallerCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(OTHERWISE).build())
    }
}

impl<K, V> CallerCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What is remembered, where it is fresh; what the database says otherwise, or what it said last where it does not answer.
    pub(super) async fn or_look<F>(&self, key: &K, look: impl FnOnce() -> F) -> Result<Option<V>, StoreError>
    where
        F: Future<Output = Result<Option<V>, StoreError>>,
    {
        let said = self.0.get(key).await;
        if let Some(said) = said.as_ref().filter(|said| said.at.elapsed() < FRESH) {
            return Ok(Some(said.value.clone()));
        }
        match (look().await, said) {
            (Err(StoreError::Unavailable(_)), Some(said)) => Ok(Some(said.value)),
            (Err(error), _) => Err(error),
            (Ok(Some(value)), _) => {
                let said = Said {
                    value: value.clone(),
                    at: Instant::now(),
                };
                self.0.insert(key.clone(), said).await;
                Ok(Some(value))
            }
            (Ok(None), _) => {
                self.forget(key).await;
                Ok(None)
            }
        }
    }

    /// Forgets one: it was ended here.
    pub(super) async fn forget(&self, key: &K) {
        self.0.invalidate(key).await;
    }

    /// Forgets all: some were ended here.
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
    async fn what_the_database_said_last_holds_while_it_is_away_and_no_longer() {
        let remembered = CallerCache::<u8, &str>::default();
        let told = async |answer| remembered.or_look(&1, || async move { answer }).await;
        assert_eq!(told(Err(AWAY())).await, Err(AWAY()));
        assert_eq!(told(Ok(Some("ada"))).await, Ok(Some("ada")));
        tokio::time::sleep(FRESH).await;
        assert_eq!(told(Err(AWAY())).await, Ok(Some("ada")));
        assert_eq!(told(Ok(None)).await, Ok(None));
        assert_eq!(told(Err(AWAY())).await, Err(AWAY()), "what has ended is not served again");
    }
}
