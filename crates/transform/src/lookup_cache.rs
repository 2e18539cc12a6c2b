//! Lookups kept in memory for a while, in front of the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide, Resolved};
use ig_core::ports::{Lookups, StoreError};
use moka::future::Cache;

mod entry;
mod generations;
mod loads;
mod usage;

use entry::{Entry, EntryKey, weight};
use generations::Generations;
use loads::{Following, Leading, Loads, Wanted};
pub use usage::Usage;
use usage::UsageCounts;

/// How much is kept, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// How long an answer is good for.
    pub time_to_live: Duration,
    /// About how much memory the answers may take, in bytes.
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

/// Remembers what values map to, and which map to nothing; an error is never remembered.
pub struct LookupCache {
    inner: Arc<dyn Lookups>,
    entries: Cache<EntryKey, Entry>,
    generations: Generations,
    loads: Loads,
    usage: UsageCounts,
}

impl LookupCache {
    /// A cache in front of what really looks up.
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
            loads: Loads::default(),
            usage: UsageCounts::default(),
        }
    }

    /// Forgets one table of an organisation, or all of them. It is in force when it returns: what was asked of the store before is
    /// not remembered.
    pub fn invalidate(&self, org: OrgId, lookup_type: Option<&LookupType>) {
        self.generations.raise(org, lookup_type);
    }

    /// Forgets everything, as when changes may have been missed.
    pub fn invalidate_all(&self) {
        self.generations.raise_all();
    }

    /// How often each key was asked for since the last call, each caller of [`Lookups::resolve`] counting once.
    ///
    /// Between two calls 20,000 keys are counted; further ones are answered but not counted.
    pub fn drain_usage(&self) -> Vec<Usage> {
        self.usage.drain()
    }

    /// What is remembered is taken over into the answer; what is left has to be loaded.
    async fn recall(&self, wanted: Vec<Wanted>, answer: &mut Answer) -> Vec<Wanted> {
        let mut missing = Vec::new();
        for wanted in wanted {
            match self.entries.get(&wanted.key).await {
                Some(entry) if entry.generation == wanted.generation => answer.push(wanted.key, entry.found),
                _ => missing.push(wanted),
            }
        }
        missing
    }

    /// Asks the store once for all that nobody else is asking for.
    async fn lead(&self, org: OrgId, entity: Rid, leading: Leading<'_>, answer: &mut Answer) -> Result<(), StoreError> {
        if leading.wanted().is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = leading.wanted().iter().map(|wanted| wanted.key.key.clone()).collect();
        let loaded = self.inner.resolve(org, entity, &keys).await.map(Arc::new);
        if let Ok(resolved) = &loaded {
            for wanted in leading.wanted() {
                let found = resolved.get(&wanted.key.key).cloned();
                self.remember(wanted, found.clone()).await;
                answer.push(wanted.key.clone(), found);
            }
        }
        leading.finish(loaded.clone());
        loaded.map(drop)
    }

    /// An answer that no longer counts must not take the place of one that does.
    async fn remember(&self, wanted: &Wanted, found: Option<Arc<LookupSide>>) {
        let Wanted { key, generation } = wanted;
        if self.generations.is_current(wanted) {
            let generation = *generation;
            self.entries.insert(key.clone(), Entry { generation, found }).await;
        }
    }
}

#[async_trait]
impl Lookups for LookupCache {
    async fn resolve(&self, org: OrgId, entity: Rid, keys: &[LookupKey]) -> Result<Resolved, StoreError> {
        let mut answer = Answer::default();
        let mut open = EntryKey::distinct(org, entity, keys);
        while !open.is_empty() {
            let wanted = self.generations.stamp(open);
            let missing = self.recall(wanted, &mut answer).await;
            let (leading, following) = self.loads.share(missing);
            self.lead(org, entity, leading, &mut answer).await?;
            open = follow(following, &mut answer).await?;
        }
        self.usage.count(&answer.0);
        Ok(answer.resolved())
    }
}

/// Waits for what others are asking for; what they gave up has to be asked for again.
async fn follow(following: Vec<Following>, answer: &mut Answer) -> Result<Vec<EntryKey>, StoreError> {
    let mut given_up = Vec::new();
    for Following { key, load } in following {
        match load.result().await {
            Some(loaded) => {
                let found = loaded?.get(&key.key).cloned();
                answer.push(key, found);
            }
            None => given_up.push(key),
        }
    }
    Ok(given_up)
}

/// What each key maps to, as far as it is known.
#[derive(Debug, Default)]
struct Answer(Vec<(EntryKey, Option<Arc<LookupSide>>)>);

impl Answer {
    fn push(&mut self, key: EntryKey, found: Option<Arc<LookupSide>>) {
        self.0.push((key, found));
    }

    fn resolved(self) -> Resolved {
        let mapped = self.0.into_iter();
        mapped.filter_map(|(key, found)| Some((key.key, found?))).collect()
    }
}
