//! Who has which worker.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Instant;

use ig_core::id::OrgId;
use tokio::sync::oneshot;

use super::keeper::Order;
use super::turns::Turns;
use super::worker::Worker;
use super::{PoolState, Shared};
use crate::script::error::ScriptError;

/// Idle workers, and calls that wait for one.
pub(super) struct Desk {
    idle: Vec<Worker>,
    turns: Turns<Waiter>,
    /// The process ids of workers that were not given up.
    alive: Vec<u32>,
}

struct Waiter {
    script: Arc<str>,
    lease: oneshot::Sender<Lease>,
}

impl Desk {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            idle: Vec::new(),
            turns: Turns::new(workers),
            alive: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> PoolState {
        let (alive, idle, waiting) = (self.alive.len(), self.idle.len(), self.turns.waiting());
        PoolState { alive, idle, waiting }
    }

    /// Takes out the idle workers that have died.
    pub(super) fn take_dead(&mut self) -> Vec<Worker> {
        let dead: Vec<_> = self.idle.extract_if(.., |worker| !worker.is_waiting()).collect();
        for worker in &dead {
            self.give_up(worker);
        }
        dead
    }

    /// The process ids of workers that were not given up.
    pub(super) fn alive(&self) -> Vec<u32> {
        self.alive.clone()
    }

    fn give_up(&mut self, worker: &Worker) {
        self.alive.retain(|id| *id != worker.id());
    }

    /// The best idle worker for a script: one that has it ready, else the one with the fewest.
    fn pick(&mut self, script: &Arc<str>) -> Option<Worker> {
        let ready = self.idle.iter().position(|worker| worker.has(script));
        let fewest = || (0..self.idle.len()).min_by_key(|index| self.idle[*index].scripts());
        let index = ready.or_else(fewest)?;
        Some(self.idle.swap_remove(index))
    }
}

impl Shared {
    /// A worker was started.
    pub(super) fn arrived(self: &Arc<Self>, worker: Worker) {
        let mut desk = self.desk.lock();
        desk.alive.push(worker.id());
        desk.idle.push(worker);
        drop(desk);
        self.dispatch();
    }

    /// Gives idle workers to those whose turn it is.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let Some((org, waiter, worker)) = self.next() else { return };
            let lease = Lease {
                shared: self.clone(),
                org,
                worker: Some(worker),
                used: false,
            };
            // Who no longer waits gives it back at once, and the next one's turn comes.
            let _ = waiter.lease.send(lease);
        }
    }

    fn next(&self) -> Option<(OrgId, Waiter, Worker)> {
        let mut desk = self.desk.lock();
        while !desk.idle.is_empty() {
            let breaker = self.breaker.lock();
            let now = Instant::now();
            let (org, waiter) = desk.turns.next(|org| breaker.suspects(org, now))?;
            drop(breaker);
            if waiter.lease.is_closed() {
                continue;
            }
            let worker = desk.pick(&waiter.script)?;
            desk.turns.started(org);
            return Some((org, waiter, worker));
        }
        None
    }

    fn take_now(&self, org: OrgId, script: &Arc<str>) -> Option<Worker> {
        let mut desk = self.desk.lock();
        let breaker = self.breaker.lock();
        let now = Instant::now();
        if !desk.turns.may_start(org, |org| breaker.suspects(org, now)) {
            return None;
        }
        let worker = desk.pick(script)?;
        desk.turns.started(org);
        Some(worker)
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
    org: OrgId,
    worker: Option<Worker>,
    used: bool,
}

impl Lease {
    /// Waits for a worker. One that died while it was idle is passed over.
    pub(super) async fn acquire(shared: &Arc<Shared>, org: OrgId, script: &Arc<str>) -> Result<Self, ScriptError> {
        let patience = shared.settings.patience;
        let waited = tokio::time::timeout(patience, Self::alive(shared, org, script)).await;
        waited.unwrap_or_else(|_| Err(ScriptError::unavailable("no worker was free to run the script in time")))
    }

    async fn alive(shared: &Arc<Shared>, org: OrgId, script: &Arc<str>) -> Result<Self, ScriptError> {
        loop {
            let lease = Self::any(shared, org, script).await?;
            if lease.worker.as_ref().is_some_and(Worker::is_waiting) {
                return Ok(lease);
            }
            lease.discard();
        }
    }

    async fn any(shared: &Arc<Shared>, org: OrgId, script: &Arc<str>) -> Result<Self, ScriptError> {
        if let Some(worker) = shared.take_now(org, script) {
            let shared = shared.clone();
            return Ok(Self {
                shared,
                org,
                worker: Some(worker),
                used: false,
            });
        }
        let (lease, granted) = oneshot::channel();
        let script = script.clone();
        shared.desk.lock().turns.wait(org, Waiter { script, lease });
        // A worker may have come back in between.
        shared.dispatch();
        granted
            .await
            .map_err(|_| ScriptError::unavailable("scripts are not run any more"))
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
            let mut desk = self.shared.desk.lock();
            desk.give_up(&worker);
            drop(desk);
            // Without a keeper the pool has ended, and the worker ends with this.
            let _ = self.shared.keeper.send(Order { worker, ended });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.used {
            self.replace(None);
        }
        let mut desk = self.shared.desk.lock();
        desk.turns.ended(self.org);
        desk.idle.extend(self.worker.take());
        drop(desk);
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
