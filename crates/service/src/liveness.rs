//! Liveness as heartbeats: a loop that has not come round within its time has stalled.

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

/// The loops that have to keep turning.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    loops: Arc<Mutex<BTreeMap<u64, Watched>>>,
    next: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    max_age: Duration,
    last: Instant,
}

impl Liveness {
    /// Watches a loop that beats at least every `max_age`; it starts with a beat.
    pub fn watch(&self, name: impl Into<String>, max_age: Duration) -> Heartbeat {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let watched = Watched {
            name: name.into(),
            max_age,
            last: Instant::now(),
        };
        self.loops.lock().insert(id, watched);
        Heartbeat {
            liveness: self.clone(),
            id,
        }
    }

    /// The loops whose last beat is older than they declared, each with its age.
    pub fn stalled(&self) -> Vec<(String, Duration)> {
        let loops = self.loops.lock();
        let aged = loops.values().map(|watched| (watched, watched.last.elapsed()));
        let stalled = aged.filter(|(watched, age)| *age > watched.max_age);
        stalled.map(|(watched, age)| (watched.name.clone(), age)).collect()
    }
}

/// Held by a loop; dropping it ends the watch.
#[derive(Debug)]
pub struct Heartbeat {
    liveness: Liveness,
    id: u64,
}

impl Heartbeat {
    /// The loop came round.
    pub fn beat(&self) {
        if let Some(watched) = self.liveness.loops.lock().get_mut(&self.id) {
            watched.last = Instant::now();
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.liveness.loops.lock().remove(&self.id);
    }
}
