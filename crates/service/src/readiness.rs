//! Readiness as a latch: a service is ready when no hold is active.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

/// Whether this service accepts traffic, and if not, why.
#[derive(Debug, Clone)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    active: BTreeMap<u64, String>,
}

impl Readiness {
    /// A latch without holds.
    pub fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// Keeps the service from being ready, for `reason`, until the hold is released or dropped.
    pub fn hold(&self, reason: impl Into<String>) -> ReadinessHold {
        let mut id = 0;
        let reason = reason.into();
        self.state.send_modify(|state| {
            id = state.next_id;
            state.next_id += 1;
            state.active.insert(id, reason.clone());
        });
        ReadinessHold {
            readiness: self.clone(),
            id,
            reason,
        }
    }

    /// Whether no hold is active.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().active.is_empty()
    }

    /// The reasons of all active holds, oldest first.
    pub fn reasons(&self) -> Vec<String> {
        self.state.borrow().active.values().cloned().collect()
    }

    /// Waits until no hold is active.
    pub async fn ready(&self) {
        self.wait(true).await;
    }

    /// Waits until [`Readiness::is_ready`] returns `ready`.
    pub async fn wait(&self, ready: bool) {
        // The sender lives in `self`, so the channel cannot close under this wait.
        let _ = self
            .state
            .subscribe()
            .wait_for(|state| state.active.is_empty() == ready)
            .await;
    }

    fn set(&self, id: u64, reason: Option<String>) {
        self.state.send_if_modified(|state| match reason {
            Some(reason) => state.active.insert(id, reason).is_none(),
            None => state.active.remove(&id).is_some(),
        });
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

/// One hold on readiness; dropping it ends it for good.
#[derive(Debug)]
pub struct ReadinessHold {
    readiness: Readiness,
    id: u64,
    reason: String,
}

impl ReadinessHold {
    /// Lets the service be ready, until [`ReadinessHold::reacquire`].
    pub fn release(&self) {
        self.readiness.set(self.id, None);
    }

    /// Keeps the service from being ready again: the dependency went away.
    pub fn reacquire(&self) {
        self.readiness.set(self.id, Some(self.reason.clone()));
    }
}

impl Drop for ReadinessHold {
    fn drop(&mut self) {
        self.release();
    }
}
