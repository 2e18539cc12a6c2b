//! Readiness as a latch: ready when every holder has let go.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

/// Whether this service wants traffic, and if not, why.
#[derive(Debug, Clone)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    held: BTreeMap<u64, String>,
}

impl Readiness {
    /// A latch that nobody holds yet.
    pub fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// Keeps the service from being ready, for the reason given, until the hold is released or dropped.
    pub fn hold(&self, reason: impl Into<String>) -> Hold {
        let mut id = 0;
        let reason = reason.into();
        self.state.send_modify(|state| {
            id = state.next;
            state.next += 1;
            state.held.insert(id, reason.clone());
        });
        Hold {
            readiness: self.clone(),
            id,
            reason,
        }
    }

    /// Whether everybody has let go.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().held.is_empty()
    }

    /// Why it is not ready, oldest holder first.
    pub fn reasons(&self) -> Vec<String> {
        self.state.borrow().held.values().cloned().collect()
    }

    /// Waits until everybody has let go.
    pub async fn ready(&self) {
        self.wait(true).await;
    }

    /// Waits until [`Readiness::is_ready`] answers `ready`.
    pub async fn wait(&self, ready: bool) {
        // The sender lives in `self`, so the channel cannot close under this wait.
        let _ = self.state.subscribe().wait_for(|state| state.held.is_empty() == ready).await;
    }

    fn set(&self, id: u64, reason: Option<String>) {
        self.state.send_if_modified(|state| match reason {
            Some(reason) => state.held.insert(id, reason).is_none(),
            None => state.held.remove(&id).is_some(),
        });
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

/// One holder of the latch; letting go for good is dropping it.
#[derive(Debug)]
pub struct Hold {
    readiness: Readiness,
    id: u64,
    reason: String,
}

impl Hold {
    /// Lets go, until held again.
    pub fn release(&self) {
        self.readiness.set(self.id, None);
    }

    /// Takes the latch back: the dependency went away again.
    pub fn hold_again(&self) {
        self.readiness.set(self.id, Some(self.reason.clone()));
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.release();
    }
}
