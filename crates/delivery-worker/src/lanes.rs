//! Lanes: the deliveries of one integration for one entity and event type, in event order.
//!
//! A lane is a queue and, while there is anything in it, a task. Lanes never wait for each other. A waiting event keeps its payload in
//! memory while there is room for it; beyond that only its place in its source is kept, and it is read again when its turn comes. So a
//! tenant with a million waiting rows costs a few bytes for each, and the reader never has to stop for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use ig_core::event::Event;
use ig_core::integration::Ordering;
use ig_core::matching::LaneKey;
use ig_service::{Fate, Tasks};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::decided_event::Gone;

mod batch;
mod budget;
mod queue;

pub(crate) use batch::Turns;
pub(crate) use budget::{Budget, Kept, turn};
pub(crate) use queue::{Purpose, Work};

use queue::Queue;

/// Every lane that has something to do.
pub(crate) struct Lanes {
    queues: Mutex<HashMap<LaneKey, Queue>>,
    budget: Arc<Budget>,
    tasks: Tasks,
    turns: Arc<Turns>,
    stop: CancellationToken,
}

impl Lanes {
    /// Lanes whose waiting payloads share a budget; `stop` ends them after what is under way.
    pub(crate) fn new(budget: Arc<Budget>, tasks: Tasks, turns: Arc<Turns>, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            queues: Mutex::default(),
            budget,
            tasks,
            turns,
            stop,
        })
    }

    /// Queues an event, or that it is gone; a lane that was empty begins to work.
    pub(crate) fn push(self: &Arc<Self>, key: LaneKey, work: Work, event: Result<Arc<Event>, Gone>) {
        let mut queues = self.queues.lock();
        match queues.entry(key) {
            Entry::Occupied(mut lane) => lane.get_mut().push(work, event, &self.budget),
            Entry::Vacant(lane) => {
                let key = lane.key().clone();
                lane.insert(Queue::default()).push(work, event, &self.budget);
                let lanes = Arc::clone(self);
                self.tasks
                    .spawn("lane", Fate::Finishes, async move { lanes.work_off(key).await });
            }
        }
    }

    /// How many lanes have something to do.
    pub(crate) fn len(&self) -> usize {
        self.queues.lock().len()
    }

    /// Whether no lane has anything to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn work_off(self: Arc<Self>, key: LaneKey) {
        while let Some(turn) = self.next_turn(&key) {
            let concurrency = turn.first().map_or(1, |work| concurrency(work.ordering()));
            self.turns.take(turn, concurrency, &self.stop).await;
        }
    }

    /// The next events of a lane; a lane with none, or one that has to stop, is closed.
    fn next_turn(&self, key: &LaneKey) -> Option<Vec<Work>> {
        let mut queues = self.queues.lock();
        let turn = queues.get_mut(key)?.take();
        if turn.is_empty() || self.stop.is_cancelled() {
            queues.remove(key);
            return None;
        }
        Some(turn)
    }
}

fn concurrency(ordering: Ordering) -> usize {
    match ordering {
        Ordering::Ordered => 1,
        Ordering::Unordered { max_concurrency } => usize::from(max_concurrency).max(1),
    }
}
