//! Assigns idle workers to calls.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::PoolState;
use super::breaker::Breaker;
use super::fair_queue::FairQueue;
use super::lease::Lease;
use super::principal::Principal;
use super::subpool::Subpool;
use super::worker::Worker;

/// The idle workers and queued calls of both subpools.
pub(super) struct Dispatcher {
    main: SubpoolState,
    quarantine: SubpoolState,
    /// Whether the quarantine's worker has been ordered.
    quarantine_staffed: bool,
    /// The process ids of all workers that are not being replaced.
    alive: Vec<u32>,
}

struct SubpoolState {
    idle: Vec<Worker>,
    queue: FairQueue<QueuedCall>,
}

/// A call that waits for a worker. Dropping it tells the call that no worker will come.
pub(super) struct QueuedCall {
    pub(super) script: Arc<str>,
    pub(super) lease: oneshot::Sender<Lease>,
}

/// A worker taken out of the idle ones for a call.
pub(super) struct Checkout {
    pub(super) principal: Principal,
    pub(super) worker: Worker,
    /// Whether the script was proven to terminate when the call started.
    pub(super) proven: bool,
}

impl Dispatcher {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            main: SubpoolState::new(workers),
            quarantine: SubpoolState::new(1),
            quarantine_staffed: false,
            alive: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> PoolState {
        let [main, quarantine] = [&self.main, &self.quarantine];
        PoolState {
            alive: self.alive.len(),
            idle: main.idle.len() + quarantine.idle.len(),
            waiting: main.queue.len() + quarantine.queue.len(),
        }
    }

    /// The process ids of all workers that are not being replaced.
    pub(super) fn alive(&self) -> Vec<u32> {
        self.alive.clone()
    }

    /// Adds a worker that has started.
    pub(super) fn add(&mut self, worker: Worker) {
        self.alive.push(worker.id());
        self.put_idle(worker);
    }

    /// Removes a worker that is to be replaced.
    pub(super) fn remove(&mut self, worker: &Worker) {
        self.alive.retain(|id| *id != worker.id());
    }

    /// Takes out the idle workers that have died.
    pub(super) fn take_dead(&mut self) -> Vec<Worker> {
        let mut dead = Vec::new();
        for subpool in Subpool::ALL {
            dead.extend(self.subpool(subpool).idle.extract_if(.., |worker| !worker.is_waiting()));
        }
        for worker in &dead {
            self.remove(worker);
        }
        dead
    }

    /// Checks out an idle worker, if there is one and the call may have it.
    pub(super) fn try_checkout(
        &mut self,
        principal: Principal,
        script: &Arc<str>,
        subpool: Subpool,
        breaker: &Breaker,
    ) -> Option<Checkout> {
        let proven = breaker.is_proven(script);
        let subpool = self.subpool(subpool);
        if !subpool.queue.may_start(principal, proven) {
            return None;
        }
        subpool.checkout(principal, script, proven)
    }

    /// Queues a call.
    pub(super) fn enqueue(&mut self, principal: Principal, subpool: Subpool, call: QueuedCall) {
        self.subpool(subpool).queue.push(principal, call);
    }

    /// The next queued call of a subpool, with a worker for it.
    pub(super) fn next(&mut self, subpool: Subpool, breaker: &Breaker) -> Option<(QueuedCall, Checkout)> {
        let subpool = self.subpool(subpool);
        while !subpool.idle.is_empty() {
            let (principal, call) = subpool.queue.pop(|call| breaker.is_proven(&call.script))?;
            if call.lease.is_closed() {
                continue;
            }
            let checkout = subpool.checkout(principal, &call.script, breaker.is_proven(&call.script))?;
            return Some((call, checkout));
        }
        None
    }

    /// Accounts for a call that has ended; its worker becomes idle, unless it is being replaced.
    pub(super) fn checkin(&mut self, principal: Principal, subpool: Subpool, proven: bool, worker: Option<Worker>) {
        self.subpool(subpool).queue.ended(principal, proven);
        if let Some(worker) = worker {
            self.put_idle(worker);
        }
    }

    /// Moves a tenant's queued calls to the quarantine; true when its worker still has to be started.
    pub(super) fn quarantine(&mut self, principal: Principal) -> bool {
        for call in self.main.queue.remove(principal, |_| true) {
            self.quarantine.queue.push(principal, call);
        }
        !std::mem::replace(&mut self.quarantine_staffed, true)
    }

    /// Removes the queued calls of a script.
    pub(super) fn remove_calls(&mut self, principal: Principal, script: &Arc<str>) -> Vec<QueuedCall> {
        let subpools = [&mut self.main, &mut self.quarantine].into_iter();
        subpools
            .flat_map(|subpool| subpool.queue.remove(principal, |call| call.script == *script))
            .collect()
    }

    fn put_idle(&mut self, worker: Worker) {
        self.subpool(worker.subpool()).idle.push(worker);
    }

    fn subpool(&mut self, subpool: Subpool) -> &mut SubpoolState {
        match subpool {
            Subpool::Main => &mut self.main,
            Subpool::Quarantine => &mut self.quarantine,
        }
    }
}

impl SubpoolState {
    fn new(workers: usize) -> Self {
        let (idle, queue) = (Vec::new(), FairQueue::new(workers));
        Self { idle, queue }
    }

    fn checkout(&mut self, principal: Principal, script: &Arc<str>, proven: bool) -> Option<Checkout> {
        let worker = self.pick(script)?;
        self.queue.started(principal, proven);
        Some(Checkout {
            principal,
            worker,
            proven,
        })
    }

    /// The best idle worker for a script: one that has it loaded, else the one with the fewest scripts.
    fn pick(&mut self, script: &Arc<str>) -> Option<Worker> {
        let loaded = self.idle.iter().position(|worker| worker.has_loaded(script));
        let fewest = || (0..self.idle.len()).min_by_key(|index| self.idle[*index].loaded_scripts());
        let index = loaded.or_else(fewest)?;
        Some(self.idle.swap_remove(index))
    }
}
