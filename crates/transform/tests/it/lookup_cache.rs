//! The cache in front of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use ig_core::ports::{Lookups, StoreError};
use ig_transform::{CacheLimits, LookupCache};
use parking_lot::Mutex;
use serde_json::Map;
use tokio::sync::Semaphore;

const ORG: OrgId = OrgId(1);
const ENTITY: Rid = Rid(10);

/// A store that maps every key, except those that begin with `no`, to `answer`, once the gate opens.
struct Store {
    queries: Mutex<Vec<Vec<String>>>,
    answer: Mutex<String>,
    gate: Semaphore,
    fails: AtomicBool,
}

impl Store {
    fn open() -> Arc<Self> {
        Self::with_permits(1_000_000)
    }

    fn with_permits(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            queries: Mutex::default(),
            answer: Mutex::new("old".to_owned()),
            gate: Semaphore::new(permits),
            fails: AtomicBool::new(false),
        })
    }

    fn queries(&self) -> Vec<Vec<String>> {
        self.queries.lock().clone()
    }

    fn set_answer(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock());
    }

    /// Waits for this many queries.
    async fn until_queried(&self, times: usize) {
        while self.queries.lock().len() < times {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Lookups for Store {
    async fn resolve(&self, _org: OrgId, _entity: Rid, keys: &[LookupKey]) -> Result<ResolvedLookups, StoreError> {
        let answer = self.answer.lock().clone();
        self.queries
            .lock()
            .push(keys.iter().map(|key| key.source_id.clone()).collect());
        self.gate.acquire().await.unwrap().forget();
        if self.fails.load(SeqCst) {
            return Err(StoreError::Unavailable("away".to_owned()));
        }
        let mapped = keys.iter().filter(|key| !key.source_id.starts_with("no"));
        Ok(mapped.map(|key| (key.clone(), side(&answer))).collect())
    }
}

fn side(id: &str) -> Arc<LookupSide> {
    Arc::new(LookupSide {
        id: id.to_owned(),
        fields: Map::new(),
    })
}

fn table(name: &str) -> LookupType {
    LookupType::new(name)
}

fn keys(ids: &[&str]) -> Vec<LookupKey> {
    let key = |id: &&str| LookupKey {
        lookup_type: table("T"),
        source_id: (*id).to_owned(),
    };
    ids.iter().map(key).collect()
}

fn cache(store: &Arc<Store>) -> Arc<LookupCache> {
    let inner: Arc<dyn Lookups> = Arc::clone(store) as _;
    Arc::new(LookupCache::new(inner, CacheLimits::default()))
}

async fn ids(cache: &LookupCache, source_ids: &[&str]) -> Vec<Option<String>> {
    let keys = keys(source_ids);
    let resolved = cache.resolve(ORG, ENTITY, &keys).await.unwrap();
    keys.iter().map(|key| resolved.get(key).map(|side| side.id.clone())).collect()
}

#[tokio::test]
async fn cache_does_not_load_a_known_key_again_mapped_or_not() {
    let store = Store::open();
    let cache = cache(&store);
    let first = ids(&cache, &["a", "no", "a"]).await;
    assert_eq!(first, [Some("old".to_owned()), None, Some("old".to_owned())]);
    assert_eq!(ids(&cache, &["no", "b", "a"]).await[0], None);
    assert_eq!(store.queries(), [vec!["a", "no"], vec!["b"]]);
}

#[tokio::test]
async fn cache_separates_organisations_and_entities() {
    let store = Store::open();
    let cache = cache(&store);
    for (org, entity) in [(1, 10), (1, 11), (2, 10)] {
        cache.resolve(OrgId(org), Rid(entity), &keys(&["a"])).await.unwrap();
    }
    assert_eq!(store.queries().len(), 3);
}

#[tokio::test]
async fn cache_loads_a_key_once_for_concurrent_requests() {
    let store = Store::with_permits(0);
    let cache = cache(&store);
    let resolve = |source_ids: &'static [&'static str]| {
        let cache = Arc::clone(&cache);
        async move { ids(&cache, source_ids).await }
    };
    let requests = async { tokio::join!(resolve(&["a", "b"]), resolve(&["b", "c"]), resolve(&["a", "c"])) };
    let release = async {
        store.until_queried(2).await;
        store.gate.add_permits(10);
    };
    let ((one, two, three), ()) = tokio::join!(requests, release);
    assert!([one, two, three].iter().flatten().all(Option::is_some));
    assert_eq!(store.queries(), [vec!["a", "b"], vec!["c"]]);
}

#[tokio::test]
async fn cache_passes_an_error_to_all_followers_and_does_not_keep_it() {
    let store = Store::with_permits(0);
    store.fails.store(true, SeqCst);
    let cache = cache(&store);
    let keys = keys(&["a"]);
    let release = async {
        store.until_queried(1).await;
        store.gate.add_permits(10);
    };
    let (one, two, ()) = tokio::join!(cache.resolve(ORG, ENTITY, &keys), cache.resolve(ORG, ENTITY, &keys), release);
    assert!(one.is_err() && two.is_err());
    assert_eq!(store.queries().len(), 1);
    store.fails.store(false, SeqCst);
    assert_eq!(ids(&cache, &["a"]).await, [Some("old".to_owned())]);
    assert_eq!(cache.drain_usage().len(), 1);
}

#[tokio::test]
async fn invalidation_is_in_force_when_it_returns_and_touches_nothing_else() {
    let store = Store::open();
    let cache = cache(&store);
    ids(&cache, &["a"]).await;
    store.set_answer("new");
    cache.invalidate(ORG, Some(&table("OTHER")));
    cache.invalidate(OrgId(2), None);
    assert_eq!(ids(&cache, &["a"]).await, [Some("old".to_owned())]);
    cache.invalidate(ORG, Some(&table("T")));
    assert_eq!(ids(&cache, &["a"]).await, [Some("new".to_owned())]);
    store.set_answer("newer");
    cache.invalidate(ORG, None);
    assert_eq!(ids(&cache, &["a"]).await, [Some("newer".to_owned())]);
    store.set_answer("newest");
    cache.invalidate_all();
    assert_eq!(ids(&cache, &["a"]).await, [Some("newest".to_owned())]);
}

#[tokio::test]
async fn invalidation_keeps_loads_in_flight_out_of_the_cache_and_from_later_requests() {
    let store = Store::with_permits(0);
    let cache = cache(&store);
    let later = async {
        store.until_queried(1).await;
        store.set_answer("new");
        cache.invalidate(ORG, Some(&table("T")));
        let late = ids(&cache, &["a"]);
        let release = async {
            store.until_queried(2).await;
            store.gate.add_permits(10);
        };
        tokio::join!(late, release).0
    };
    let (early, late) = tokio::join!(ids(&cache, &["a"]), later);
    assert_eq!((early[0].as_deref(), late[0].as_deref()), (Some("old"), Some("new")));
    assert_eq!(ids(&cache, &["a"]).await, [Some("new".to_owned())]);
    assert_eq!(store.queries().len(), 2);
}

#[tokio::test]
async fn followers_load_the_key_when_their_leader_is_dropped() {
    let store = Store::with_permits(0);
    let cache = cache(&store);
    let mut leader = Box::pin(ids(&cache, &["a"]));
    let mut follower = Box::pin(ids(&cache, &["a"]));
    tokio::select! {
        biased;
        _ = &mut leader => panic!("the gate is shut"),
        _ = &mut follower => panic!("the gate is shut"),
        () = store.until_queried(1) => {}
    }
    drop(leader);
    store.gate.add_permits(10);
    assert_eq!(follower.await, [Some("old".to_owned())]);
    assert_eq!(store.queries().len(), 2);
}

#[tokio::test]
async fn cache_entry_expires_after_its_time_to_live() {
    let store = Store::open();
    let limits = CacheLimits {
        time_to_live: Duration::from_millis(1),
        ..CacheLimits::default()
    };
    let cache = LookupCache::new(Arc::clone(&store) as _, limits);
    while store.queries().len() < 2 {
        ids(&cache, &["a"]).await;
    }
}

#[tokio::test]
async fn cache_evicts_entries_to_bound_its_memory() {
    let store = Store::open();
    let limits = CacheLimits {
        max_bytes: 10_000,
        ..CacheLimits::default()
    };
    let cache = LookupCache::new(Arc::clone(&store) as _, limits);
    let names: Vec<_> = (0..1_000).map(|n| format!("k{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    ids(&cache, &names).await;
    ids(&cache, &names).await;
    let again = store.queries().last().unwrap().len();
    assert!(store.queries().len() == 2 && again > 900, "{again}");
}

#[tokio::test]
async fn usage_is_counted_by_key_and_drained_once() {
    let store = Store::open();
    let cache = cache(&store);
    for _ in 0..3 {
        ids(&cache, &["a", "no"]).await;
    }
    ids(&cache, &["a"]).await;
    let mut usage = cache.drain_usage();
    usage.sort_by(|one, other| one.key.cmp(&other.key));
    let counts: Vec<_> = usage.iter().map(|usage| (usage.mapped, usage.unmapped)).collect();
    assert_eq!(counts, [(4, 0), (0, 3)]);
    assert_eq!((usage[0].org_id, usage[0].entity), (ORG, ENTITY));
    assert!(cache.drain_usage().is_empty());
}
