//! Leases of workers.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Shared;
use super::dispatcher::{Checkout, QueuedCall};
use super::principal::Principal;
use super::subpool::Subpool;
use super::supervisor::Command;
use super::worker::Worker;
use crate::script::error::ScriptError;

impl Shared {
    /// Adds a worker that has started.
    pub(super) fn add_worker(self: &Arc<Self>, worker: Worker) {
        self.dispatcher.lock().add(worker);
        self.dispatch();
    }

    /// Moves a tenant whose script had to be stopped to the quarantine.
    pub(super) fn quarantine(self: &Arc<Self>, principal: Principal) {
        let unstaffed = self.dispatcher.lock().quarantine(principal);
        if unstaffed {
            // Without a supervisor the pool has ended.
            let _ = self.supervisor.send(Command::Start(Subpool::Quarantine));
        }
        self.dispatch();
    }

    /// Ends the wait of a script's queued calls.
    pub(super) fn cancel_queued(&self, principal: Principal, script: &Arc<str>) {
        let calls = self.dispatcher.lock().remove_calls(principal, script);
        drop(calls);
    }

    /// Gives idle workers to queued calls.
    fn dispatch(self: &Arc<Self>) {
        while let Some((call, checkout)) = self.next() {
            // A caller that has gone releases the lease at once, and the next call gets the worker.
            let _ = call.lease.send(Lease::new(self, checkout));
        }
    }

    fn next(&self) -> Option<(QueuedCall, Checkout)> {
        let mut dispatcher = self.dispatcher.lock();
        let breaker = self.breaker.lock();
        Subpool::ALL
            .into_iter()
            .find_map(|subpool| dispatcher.next(subpool, &breaker))
    }

    /// Checks out a worker, or queues the call.
    fn checkout_or_enqueue(&self, principal: Principal, script: &Arc<str>) -> Result<Checkout, oneshot::Receiver<Lease>> {
        let mut dispatcher = self.dispatcher.lock();
        let breaker = self.breaker.lock();
        let suspect = breaker.is_suspect(principal, Instant::now());
        let subpool = if suspect { Subpool::Quarantine } else { Subpool::Main };
        dispatcher.try_checkout(principal, script, subpool, &breaker).ok_or_else(|| {
            let (lease, granted) = oneshot::channel();
            let script = script.clone();
            dispatcher.enqueue(principal, subpool, QueuedCall { script, lease });
            granted
        })
    }
}

/// How a worker ended that the pool did not kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkerExit {
    /// Another process killed it; the call is not to blame.
    External,
    /// It ran out of memory or stack.
    Crash,
    /// The engine panicked.
    Panic,
}

/// A call's exclusive hold on a worker. Dropped in the middle of an exchange, the worker is replaced: its next response would not belong to
/// the next call.
pub(super) struct Lease {
    shared: Arc<Shared>,
    principal: Principal,
    subpool: Subpool,
    proven: bool,
    worker: Option<Worker>,
    in_exchange: bool,
}

impl Lease {
    fn new(shared: &Arc<Shared>, checkout: Checkout) -> Self {
        let Checkout {
            principal,
            worker,
            proven,
        } = checkout;
        Self {
            shared: shared.clone(),
            principal,
            subpool: worker.subpool(),
            proven,
            worker: Some(worker),
            in_exchange: false,
        }
    }

    /// Waits for a worker, and passes over those that died while they were idle.
    pub(super) async fn acquire(shared: &Arc<Shared>, principal: Principal, script: &Arc<str>) -> Result<Self, ScriptError> {
        let timeout = shared.settings.acquire_timeout;
        let acquired = tokio::time::timeout(timeout, Self::acquire_alive(shared, principal, script)).await;
        acquired.unwrap_or_else(|_| Err(ScriptError::unavailable("no worker was free to run the script in time")))
    }

    async fn acquire_alive(shared: &Arc<Shared>, principal: Principal, script: &Arc<str>) -> Result<Self, ScriptError> {
        loop {
            let lease = Self::acquire_any(shared, principal, script).await?;
            if lease.worker.as_ref().is_some_and(Worker::is_waiting) {
                return Ok(lease);
            }
            lease.discard();
        }
    }

    async fn acquire_any(shared: &Arc<Shared>, principal: Principal, script: &Arc<str>) -> Result<Self, ScriptError> {
        match shared.checkout_or_enqueue(principal, script) {
            Ok(checkout) => Ok(Self::new(shared, checkout)),
            Err(granted) => granted
                .await
                .map_err(|_| ScriptError::unavailable("scripts are not run any more")),
        }
    }

    /// The worker, for an exchange.
    pub(super) fn worker(&mut self) -> &mut Worker {
        self.in_exchange = true;
        self.worker.as_mut().expect("a lease has its worker until it is given back")
    }

    /// Returns a worker that has answered and can take the next call.
    pub(super) fn release(mut self) {
        self.in_exchange = false;
    }

    /// Has the worker replaced.
    pub(super) fn discard(mut self) {
        self.in_exchange = true;
    }

    /// Has a dead worker replaced, and finds out how it died.
    pub(super) async fn reap(mut self) -> WorkerExit {
        let (exited, status) = oneshot::channel();
        self.replace(Some(exited));
        drop(self);
        match status.await {
            Ok(Ok(status)) => exit_of(status),
            Ok(Err(_)) | Err(_) => WorkerExit::External,
        }
    }

    fn replace(&mut self, exited: Option<oneshot::Sender<io::Result<ExitStatus>>>) {
        if let Some(worker) = self.worker.take() {
            self.shared.dispatcher.lock().remove(&worker);
            // Without a supervisor the pool has ended, and the worker ends with this.
            let _ = self.shared.supervisor.send(Command::Replace { worker, exited });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.in_exchange {
            self.replace(None);
        }
        let worker = self.worker.take();
        self.shared
            .dispatcher
            .lock()
            .checkin(self.principal, self.subpool, self.proven, worker);
        self.shared.dispatch();
    }
}

/// Signals that a process raises by its own doing.
const FAULT_SIGNALS: [i32; 7] = [
    libc::SIGABRT,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
];

fn exit_of(status: ExitStatus) -> WorkerExit {
    match status.signal() {
        Some(signal) if FAULT_SIGNALS.contains(&signal) => WorkerExit::Crash,
        Some(_) => WorkerExit::External,
        None => WorkerExit::Panic,
    }
}
