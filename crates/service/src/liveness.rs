//! Liveness by heartbeats: a loop without a beat within its maximum age has stalled.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The watched loops of a service.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    loops: Arc<Mutex<BTreeMap<u64, WatchedLoop>>>,
    next_id: Arc<AtomicU64>,
}

#[derive(Debug)]
struct WatchedLoop {
    name: String,
    max_age: Duration,
    last_beat: Instant,
}

impl Liveness {
    /// Watches a loop that beats at least every `max_age`; registering counts as the first beat.
    pub fn watch(&self, name: impl Into<String>, max_age: Duration) -> Heartbeat {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let watched = WatchedLoop {
            name: name.into(),
            max_age,
            last_beat: Instant::now(),
        };
        self.loops.lock().insert(id, watched);
        Heartbeat {
            liveness: self.clone(),
            id,
        }
    }

    /// The loops whose last beat is older than their maximum age, with the beat's age.
    pub fn stalled(&self) -> Vec<(String, Duration)> {
        let loops = self.loops.lock();
        let aged = loops.values().map(|watched| (watched, watched.last_beat.elapsed()));
        let stalled = aged.filter(|(watched, age)| *age > watched.max_age);
        stalled.map(|(watched, age)| (watched.name.clone(), age)).collect()
    }
}

/// A loop's registration; dropping it ends the watch.
#[derive(Debug)]
pub struct Heartbeat {
    liveness: Liveness,
    id: u64,
}

impl Heartbeat {
    /// Records one turn of the loop.
    pub fn beat(&self) {
        if let Some(watched) = self.liveness.loops.lock().get_mut(&self.id) {
            watched.last_beat = Instant::now();
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.liveness.loops.lock().remove(&self.id);
    }
}
