//! Single flight: concurrent requests for the same key share one load from the store.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::lookup::ResolvedLookups;
use ig_core::ports::StoreError;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::entry::EntryKey;

type LoadResult = Result<Arc<ResolvedLookups>, StoreError>;

/// A key, and the generation of its table when it was requested.
#[derive(Debug)]
pub(super) struct StampedKey {
    pub(super) key: EntryKey,
    pub(super) generation: u64,
}

/// The loads in flight, by key.
#[derive(Debug, Default)]
pub(super) struct SingleFlight(Mutex<HashMap<EntryKey, InFlight>>);

#[derive(Debug)]
struct InFlight {
    generation: u64,
    load: Load,
}

/// A load by another request.
#[derive(Debug, Clone)]
pub(super) struct Load(watch::Receiver<Option<LoadResult>>);

/// A key that another request is loading.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) key: EntryKey,
    pub(super) load: Load,
}

/// The keys that the holder has to load. Dropping it tells all followers that the load was given up.
#[derive(Debug)]
pub(super) struct Leader<'a> {
    flights: &'a SingleFlight,
    keys: Vec<StampedKey>,
    result: watch::Sender<Option<LoadResult>>,
}

impl SingleFlight {
    /// Splits keys into those to load and those that another request is loading. A load that began before its table changed does not count.
    pub(super) fn split(&self, keys: Vec<StampedKey>) -> (Leader<'_>, Vec<Follower>) {
        let (result, receiver) = watch::channel(None);
        let (mut own, mut followers) = (Vec::new(), Vec::new());
        if !keys.is_empty() {
            let mut in_flight = self.0.lock();
            for key in keys {
                match in_flight.get(&key.key) {
                    Some(other) if other.generation == key.generation => followers.push(Follower {
                        load: other.load.clone(),
                        key: key.key,
                    }),
                    _ => {
                        let load = Load(receiver.clone());
                        let generation = key.generation;
                        in_flight.insert(key.key.clone(), InFlight { generation, load });
                        own.push(key);
                    }
                }
            }
        }
        let leader = Leader {
            flights: self,
            keys: own,
            result,
        };
        (leader, followers)
    }
}

impl Load {
    /// The result; `None` when the other request gave up.
    pub(super) async fn result(mut self) -> Option<LoadResult> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl Leader<'_> {
    pub(super) fn keys(&self) -> &[StampedKey] {
        &self.keys
    }

    pub(super) fn finish(self, result: LoadResult) {
        self.result.send_replace(Some(result));
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let own = self.result.subscribe();
        let mut in_flight = self.flights.0.lock();
        for StampedKey { key, .. } in &self.keys {
            if in_flight.get(key).is_some_and(|other| other.load.0.same_channel(&own)) {
                in_flight.remove(key);
            }
        }
    }
}
