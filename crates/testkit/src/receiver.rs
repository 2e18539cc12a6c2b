//! A recording HTTP receiver: what a tenant's target would be.
//!
//! It serves HTTP/1.1 and HTTP/2 with prior knowledge, on a thread of its own so that a busy test does not slow it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

mod answer;
mod record;
mod serve;
mod state;

pub use answer::{Answer, gzip};
pub use record::ReceivedRequest;
use state::State;

use crate::wait::eventually;

/// A receiver on a free loopback port; it stops when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts a receiver that answers 200 and records every request.
    ///
    /// # Panics
    /// When the machine has no port or thread left.
    pub fn start() -> Self {
        Self::with(State::recording())
    }

    /// Starts a receiver that answers 200 and only counts, for tests of speed.
    ///
    /// # Panics
    /// When the machine has no port or thread left.
    pub fn counting() -> Self {
        Self::with(State::counting())
    }

    fn with(state: State) -> Self {
        let state = Arc::new(state);
        let (stop, stopped) = oneshot::channel();
        let (address, thread) = serve::on_own_thread(Arc::clone(&state), stopped);
        Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers requests to a path with these, one each; then as it did before.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.script(path, answers);
    }

    /// Answers all requests to a path so, once its script has run out.
    pub fn always(&self, path: &str, answer: Answer) {
        self.state.always(path, answer);
    }

    /// Answers requests to all other paths so.
    pub fn otherwise(&self, answer: Answer) {
        self.state.otherwise(answer);
    }

    /// How many requests have arrived, bodies included.
    pub fn count(&self) -> u64 {
        self.state.count()
    }

    /// The requests so far, in the order in which their bodies were complete.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.requests()
    }

    /// The requests to one path so far.
    pub fn requests_to(&self, path: &str) -> Vec<ReceivedRequest> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }

    /// Forgets what has arrived.
    pub fn forget(&self) {
        self.state.forget();
    }

    /// Waits until at least so many requests have arrived, and gives them.
    ///
    /// # Panics
    /// When they do not arrive.
    pub async fn wait_for(&self, requests: usize) -> Vec<ReceivedRequest> {
        let enough = requests as u64;
        eventually(&format!("{requests} requests"), async || self.count() >= enough).await;
        self.requests()
    }

    /// Waits until the requests so far are as `what` says, and gives them.
    ///
    /// # Panics
    /// When they never are.
    pub async fn wait_until(&self, what: &str, predicate: impl Fn(&[ReceivedRequest]) -> bool) -> Vec<ReceivedRequest> {
        eventually(what, async || predicate(&self.requests())).await;
        self.requests()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
