//! Lanes: the deliveries of one integration for one entity and event type, in event order.
//!
//! A lane is a queue and, while it is not empty, a task. Lanes never wait for each other. A waiting event keeps its payload in memory while
//! the budget allows; beyond that the lane keeps only its position and reads the payload again with its batch. So a tenant with a million
//! waiting rows costs a few bytes for each, and the reader never has to stop for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use ig_core::event::Event;
use ig_core::integration::Ordering;
use ig_core::matching::LaneKey;
use ig_service::{TaskKind, Tasks};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::decided_event::EventGone;

mod batch;
mod budget;
mod queue;

pub(crate) use batch::BatchRunner;
pub(crate) use budget::{MemoryBudget, MemoryReservation, batch_size};
pub(crate) use queue::{ItemPurpose, LaneItem};

use queue::LaneQueue;

/// All lanes that are not empty.
pub(crate) struct Lanes {
    queues: Mutex<HashMap<LaneKey, LaneQueue>>,
    budget: Arc<MemoryBudget>,
    tasks: Tasks,
    runner: Arc<BatchRunner>,
    stop: CancellationToken,
}

impl Lanes {
    /// Lanes whose waiting payloads share a budget; `stop` ends them after the deliveries in progress.
    pub(crate) fn new(budget: Arc<MemoryBudget>, tasks: Tasks, runner: Arc<BatchRunner>, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            queues: Mutex::default(),
            budget,
            tasks,
            runner,
            stop,
        })
    }

    /// Queues an event, or that it is gone; starts the lane if it was empty.
    pub(crate) fn push(self: &Arc<Self>, key: LaneKey, item: LaneItem, event: Result<Arc<Event>, EventGone>) {
        let mut queues = self.queues.lock();
        match queues.entry(key) {
            Entry::Occupied(mut lane) => lane.get_mut().push(item, event, &self.budget),
            Entry::Vacant(lane) => {
                let key = lane.key().clone();
                lane.insert(LaneQueue::default()).push(item, event, &self.budget);
                let lanes = Arc::clone(self);
                self.tasks
                    .spawn("lane", TaskKind::OneShot, async move { lanes.run_lane(key).await });
            }
        }
    }

    /// How many lanes are not empty.
    pub(crate) fn len(&self) -> usize {
        self.queues.lock().len()
    }

    /// Whether all lanes are empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn run_lane(self: Arc<Self>, key: LaneKey) {
        while let Some(batch) = self.next_batch(&key) {
            let concurrency = batch.first().map_or(1, |item| concurrency(item.ordering()));
            self.runner.run(batch, concurrency, &self.stop).await;
        }
    }

    /// The next events of a lane; closes an empty lane, or any lane once the worker stops.
    fn next_batch(&self, key: &LaneKey) -> Option<Vec<LaneItem>> {
        let mut queues = self.queues.lock();
        let batch = queues.get_mut(key)?.next_batch();
        if batch.is_empty() || self.stop.is_cancelled() {
            queues.remove(key);
            return None;
        }
        Some(batch)
    }
}

fn concurrency(ordering: Ordering) -> usize {
    match ordering {
        Ordering::Ordered => 1,
        Ordering::Unordered { max_concurrency } => usize::from(max_concurrency).max(1),
    }
}
