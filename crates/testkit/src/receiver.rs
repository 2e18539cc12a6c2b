//! A recording HTTP receiver in place of a tenant's target.
//!
//! It serves HTTP/1.1 and HTTP/2 with prior knowledge, on its own thread, so that a busy test does not slow it down.

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

/// A receiver on a free loopback port; dropping it stops it.
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
    /// If no port or thread is available.
    pub fn start() -> Self {
        Self::with(State::recording())
    }

    /// Starts a receiver that answers 200 and only counts requests, for load tests.
    ///
    /// # Panics
    /// If no port or thread is available.
    pub fn counting() -> Self {
        Self::with(State::counting())
    }

    fn with(state: State) -> Self {
        let state = Arc::new(state);
        let (stop, stopped) = oneshot::channel();
        let (address, thread) = serve::spawn(Arc::clone(&state), stopped);
        Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The receiver's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next requests to a path with these answers, one each.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.script(path, answers);
    }

    /// Sets the answer to a path once its script is exhausted.
    pub fn always(&self, path: &str, answer: Answer) {
        self.state.always(path, answer);
    }

    /// Sets the answer to all other paths.
    pub fn otherwise(&self, answer: Answer) {
        self.state.otherwise(answer);
    }

    /// The number of completely received requests.
    pub fn count(&self) -> u64 {
        self.state.count()
    }

    /// The requests so far, in the order of completion.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.requests()
    }

    /// The requests to one path so far.
    pub fn requests_to(&self, path: &str) -> Vec<ReceivedRequest> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }

    /// Clears the recorded requests.
    pub fn forget(&self) {
        self.state.forget();
    }

    /// Waits until at least `requests` requests have arrived, and returns all.
    ///
    /// # Panics
    /// If they do not arrive.
    pub async fn wait_for(&self, requests: usize) -> Vec<ReceivedRequest> {
        let enough = requests as u64;
        eventually(&format!("{requests} requests"), async || self.count() >= enough).await;
        self.requests()
    }

    /// Waits until the requests satisfy a predicate, and returns them.
    ///
    /// # Panics
    /// If they never do.
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
