//! Who has which worker.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Shared;
use super::desk::{Taken, Waiter};
use super::keeper::Order;
use super::party::Party;
use super::room::Room;
use super::worker::Worker;
use crate::script::error::ScriptError;

impl Shared {
    /// A worker was started.
    pub(super) fn arrived(self: &Arc<Self>, worker: Worker) {
        self.desk.lock().arrived(worker);
        self.dispatch();
    }

    /// A script of this tenant had to be stopped: what it runs next, it runs apart.
    pub(super) fn set_apart(self: &Arc<Self>, party: Party) {
        let unstaffed = self.desk.lock().set_apart(party);
        if unstaffed {
            // Without a keeper the pool has ended.
            let _ = self.keeper.send(Order::Start(Room::Apart));
        }
        self.dispatch();
    }

    /// Tells the calls that wait for a script to wait no longer.
    pub(super) fn dismiss(&self, party: Party, script: &Arc<str>) {
        let waiters = self.desk.lock().dismiss(party, script);
        drop(waiters);
    }

    /// Gives idle workers to those whose turn it is.
    fn dispatch(self: &Arc<Self>) {
        while let Some((waiter, taken)) = self.next() {
            // Who no longer waits gives it back at once, and the next one's turn comes.
            let _ = waiter.lease.send(Lease::new(self, taken));
        }
    }

    fn next(&self) -> Option<(Waiter, Taken)> {
        let mut desk = self.desk.lock();
        let breaker = self.breaker.lock();
        Room::ALL.into_iter().find_map(|room| desk.next(room, &breaker))
    }

    /// A worker, or the place to wait for one.
    fn take_or_wait(&self, party: Party, script: &Arc<str>) -> Result<Taken, oneshot::Receiver<Lease>> {
        let mut desk = self.desk.lock();
        let breaker = self.breaker.lock();
        let suspect = breaker.suspects(party, Instant::now());
        let room = if suspect { Room::Apart } else { Room::Common };
        desk.take(party, script, room, &breaker).ok_or_else(|| {
            let (lease, granted) = oneshot::channel();
            let script = script.clone();
            desk.wait(party, room, Waiter { script, lease });
            granted
        })
    }
}

/// How a worker ended that nobody had told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// Somebody else killed it; the call is not to blame.
    Foreign,
    /// It ran out of memory or stack.
    Crash,
    /// The engine panicked.
    Panic,
}

/// A worker that a call has. Dropped in the middle of a talk, the worker is replaced: what it would say next is not for the next call.
pub(super) struct Lease {
    shared: Arc<Shared>,
    party: Party,
    room: Room,
    proven: bool,
    worker: Option<Worker>,
    used: bool,
}

impl Lease {
    fn new(shared: &Arc<Shared>, taken: Taken) -> Self {
        let Taken { party, worker, proven } = taken;
        Self {
            shared: shared.clone(),
            party,
            room: worker.room(),
            proven,
            worker: Some(worker),
            used: false,
        }
    }

    /// Waits for a worker. One that died while it was idle is passed over.
    pub(super) async fn acquire(shared: &Arc<Shared>, party: Party, script: &Arc<str>) -> Result<Self, ScriptError> {
        let patience = shared.settings.patience;
        let waited = tokio::time::timeout(patience, Self::alive(shared, party, script)).await;
        waited.unwrap_or_else(|_| Err(ScriptError::unavailable("no worker was free to run the script in time")))
    }

    async fn alive(shared: &Arc<Shared>, party: Party, script: &Arc<str>) -> Result<Self, ScriptError> {
        loop {
            let lease = Self::any(shared, party, script).await?;
            if lease.worker.as_ref().is_some_and(Worker::is_waiting) {
                return Ok(lease);
            }
            lease.discard();
        }
    }

    async fn any(shared: &Arc<Shared>, party: Party, script: &Arc<str>) -> Result<Self, ScriptError> {
        match shared.take_or_wait(party, script) {
            Ok(taken) => Ok(Self::new(shared, taken)),
            Err(granted) => granted
                .await
                .map_err(|_| ScriptError::unavailable("scripts are not run any more")),
        }
    }

    /// The worker, to talk to.
    pub(super) fn worker(&mut self) -> &mut Worker {
        self.used = true;
        self.worker.as_mut().expect("a lease has its worker until it is given back")
    }

    /// The worker has answered and can take the next call.
    pub(super) fn give_back(mut self) {
        self.used = false;
    }

    /// The worker is to be replaced.
    pub(super) fn discard(mut self) {
        self.used = true;
    }

    /// The worker has died; how?
    pub(super) async fn bury(mut self) -> Death {
        let (ended, told) = oneshot::channel();
        self.replace(Some(ended));
        drop(self);
        match told.await {
            Ok(Ok(status)) => death(status),
            Ok(Err(_)) | Err(_) => Death::Foreign,
        }
    }

    fn replace(&mut self, ended: Option<oneshot::Sender<io::Result<ExitStatus>>>) {
        if let Some(worker) = self.worker.take() {
            self.shared.desk.lock().give_up(&worker);
            // Without a keeper the pool has ended, and the worker ends with this.
            let _ = self.shared.keeper.send(Order::Replace { worker, ended });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.used {
            self.replace(None);
        }
        let worker = self.worker.take();
        self.shared.desk.lock().ended(self.party, self.room, self.proven, worker);
        self.shared.dispatch();
    }
}

/// Signals that a process raises by what it does itself.
const OWN: [i32; 7] = [
    libc::SIGABRT,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
];

fn death(status: ExitStatus) -> Death {
    match status.signal() {
        Some(signal) if OWN.contains(&signal) => Death::Crash,
        Some(_) => Death::Foreign,
        None => Death::Panic,
    }
}
