//! A cache of lookups in front of the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use ig_core::ports::{Lookups, StoreError};
use moka::future::Cache;

mod entry;
mod generations;
mod single_flight;
mod usage;

use entry::{Entry, EntryKey, weight};
use generations::Generations;
use single_flight::{Follower, Leader, SingleFlight, StampedKey};
pub use usage::Usage;
use usage::UsageCounts;

/// The limits of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// How long an entry is valid.
    pub time_to_live: Duration,
    /// About how much memory the entries may take, in bytes.
    pub max_bytes: u64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_hours(1),
            max_bytes: 64 << 20,
        }
    }
}

/// Caches what values map to, including that they map to nothing; errors are never cached.
pub struct LookupCache {
    inner: Arc<dyn Lookups>,
    entries: Cache<EntryKey, Entry>,
    generations: Generations,
    in_flight: SingleFlight,
    usage: UsageCounts,
}

impl LookupCache {
    /// A cache in front of `inner`.
    pub fn new(inner: Arc<dyn Lookups>, limits: CacheLimits) -> Self {
        let entries = Cache::builder()
            .max_capacity(limits.max_bytes)
            .weigher(weight)
            .time_to_live(limits.time_to_live)
            .build();
        Self {
            inner,
            entries,
            generations: Generations::default(),
            in_flight: SingleFlight::default(),
            usage: UsageCounts::default(),
        }
    }

    /// Invalidates one table of an organisation, or all of them. It is in force when it returns: results of loads that began before are not
    /// cached.
    pub fn invalidate(&self, org: OrgId, lookup_type: Option<&LookupType>) {
        self.generations.bump(org, lookup_type);
    }

    /// Invalidates all entries, for when changes may have been missed.
    pub fn invalidate_all(&self) {
        self.generations.bump_all();
    }

    /// How often each key was requested since the last call; each call of [`Lookups::resolve`] counts once.
    ///
    /// At most 20,000 keys are counted between two calls; further ones are resolved but not counted.
    pub fn drain_usage(&self) -> Vec<Usage> {
        self.usage.drain()
    }

    /// Adds the cached keys to the rows, and returns those that have to be loaded.
    async fn read_cached(&self, keys: Vec<StampedKey>, rows: &mut Rows) -> Vec<StampedKey> {
        let mut missing = Vec::new();
        for key in keys {
            match self.entries.get(&key.key).await {
                Some(entry) if entry.generation == key.generation => rows.push(key.key, entry.row),
                _ => missing.push(key),
            }
        }
        missing
    }

    /// Loads all keys of a leader with one query.
    async fn load(&self, org: OrgId, entity: Rid, leader: Leader<'_>, rows: &mut Rows) -> Result<(), StoreError> {
        if leader.keys().is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = leader.keys().iter().map(|stamped| stamped.key.key.clone()).collect();
        let loaded = self.inner.resolve(org, entity, &keys).await.map(Arc::new);
        if let Ok(resolved) = &loaded {
            for stamped in leader.keys() {
                let row = resolved.get(&stamped.key.key).cloned();
                self.insert(stamped, row.clone()).await;
                rows.push(stamped.key.clone(), row);
            }
        }
        leader.finish(loaded.clone());
        loaded.map(drop)
    }

    /// A row of an outdated generation must not replace a current one.
    async fn insert(&self, stamped: &StampedKey, row: Option<Arc<LookupSide>>) {
        let StampedKey { key, generation } = stamped;
        if self.generations.is_current(stamped) {
            let generation = *generation;
            self.entries.insert(key.clone(), Entry { generation, row }).await;
        }
    }
}

#[async_trait]
impl Lookups for LookupCache {
    async fn resolve(&self, org: OrgId, entity: Rid, keys: &[LookupKey]) -> Result<ResolvedLookups, StoreError> {
        let mut rows = Rows::default();
        let mut pending = EntryKey::distinct(org, entity, keys);
        while !pending.is_empty() {
            let stamped = self.generations.stamp(pending);
            let missing = self.read_cached(stamped, &mut rows).await;
            let (leader, followers) = self.in_flight.split(missing);
            self.load(org, entity, leader, &mut rows).await?;
            pending = join(followers, &mut rows).await?;
        }
        self.usage.record(&rows.0);
        Ok(rows.into_resolved())
    }
}

/// Waits for the loads of other requests; returns the keys that those gave up.
async fn join(followers: Vec<Follower>, rows: &mut Rows) -> Result<Vec<EntryKey>, StoreError> {
    let mut given_up = Vec::new();
    for Follower { key, load } in followers {
        match load.result().await {
            Some(loaded) => {
                let row = loaded?.get(&key.key).cloned();
                rows.push(key, row);
            }
            None => given_up.push(key),
        }
    }
    Ok(given_up)
}

/// The keys that are resolved so far, each with its row, if it has one.
#[derive(Debug, Default)]
struct Rows(Vec<(EntryKey, Option<Arc<LookupSide>>)>);

impl Rows {
    fn push(&mut self, key: EntryKey, row: Option<Arc<LookupSide>>) {
        self.0.push((key, row));
    }

    fn into_resolved(self) -> ResolvedLookups {
        let rows = self.0.into_iter();
        rows.filter_map(|(key, row)| Some((key.key, row?))).collect()
    }
}
