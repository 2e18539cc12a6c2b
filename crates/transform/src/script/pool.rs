//! Scripts run in a pool of worker processes.
//!
//! A call leases a worker, exchanges messages with it and releases it. A worker that misses its deadline is not waited for: it goes to the
//! supervisor, a thread that kills it, reaps it and starts another. The thread lives as long as the pool, because a worker dies with the
//! thread that started it.
//!
//! A tenant whose script had to be stopped lately runs its scripts in quarantine, on one worker that all such tenants share: further stops
//! cost only them. Trials and checks count as another principal: a user who may only read a script cannot get its live runs disabled.

mod breaker;
mod dispatcher;
mod exchange;
mod fair_queue;
mod lease;
mod principal;
mod settings;
mod subpool;
mod supervisor;
mod worker;

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ig_core::id::OrgId;
use parking_lot::Mutex;
use tokio::sync::broadcast;

pub use breaker::DisabledScript;
pub use settings::PoolSettings;

use breaker::Breaker;
use dispatcher::Dispatcher;
use exchange::ExchangeEnd;
use lease::{Lease, WorkerExit};
use principal::Principal;
use supervisor::Command;

use super::call::{Call, Purpose, Script, ScriptKind};
use super::engine::ScriptEngine;
use super::error::{ScriptError, ScriptFault};
use super::limits::MAX_SOURCE_BYTES;
use super::outcome::ScriptOutcome;

/// A pool of workers. Clones share it; the workers end with the last clone.
#[derive(Clone)]
pub struct ScriptPool {
    shared: Arc<Shared>,
}

/// Counts of a pool's workers and calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Workers that are alive, idle or not.
    pub alive: usize,
    /// Workers of these that wait for a call.
    pub idle: usize,
    /// Calls that wait for a worker.
    pub waiting: usize,
}

struct Shared {
    settings: PoolSettings,
    dispatcher: Mutex<Dispatcher>,
    breaker: Mutex<Breaker>,
    disabled: broadcast::Sender<DisabledScript>,
    supervisor: mpsc::Sender<Command>,
}

impl ScriptPool {
    /// Starts a pool without waiting for its workers; calls wait for them.
    pub fn start(settings: PoolSettings) -> std::io::Result<Self> {
        let (supervisor, commands) = mpsc::channel();
        let shared = Arc::new(Shared {
            dispatcher: Mutex::new(Dispatcher::new(settings.workers)),
            breaker: Mutex::new(Breaker::new(&settings)),
            disabled: broadcast::channel(64).0,
            supervisor,
            settings,
        });
        supervisor::start(&shared, commands)?;
        Ok(Self { shared })
    }

    /// Every script that is disabled from now on; a receiver that lags behind misses the oldest.
    pub fn disabled(&self) -> broadcast::Receiver<DisabledScript> {
        self.shared.disabled.subscribe()
    }

    /// The current counts of workers and calls.
    pub fn state(&self) -> PoolState {
        self.shared.dispatcher.lock().state()
    }

    /// The process ids of the workers.
    pub fn workers(&self) -> Vec<u32> {
        self.shared.dispatcher.lock().alive()
    }

    /// Loads a script on a worker, so that its first run does not wait for that.
    pub async fn warm(&self, org: OrgId, script: &Script) -> Result<(), ScriptError> {
        let principal = Principal::live(org);
        let key = principal.script_key(script);
        self.admit(principal, &key, script.source())?;
        let (deadline, mut losses) = (self.shared.settings.load_deadline, 0);
        loop {
            let mut lease = self.lease(principal, &key).await?;
            let end = exchange::load(lease.worker(), &key, script, deadline).await;
            if let Some(result) = self.conclude(lease, end, principal, &key, &mut losses).await {
                return result;
            }
        }
    }

    /// Refuses calls that can be refused without a worker.
    fn admit(&self, principal: Principal, key: &Arc<str>, source: &str) -> Result<(), ScriptError> {
        check_size(source.len(), MAX_SOURCE_BYTES, "the source")?;
        self.check_enabled(principal, key)
    }

    fn check_enabled(&self, principal: Principal, key: &Arc<str>) -> Result<(), ScriptError> {
        let left = self.shared.breaker.lock().disabled_for(principal, key, Instant::now());
        left.map_or(Ok(()), |left| Err(disabled(left)))
    }

    /// Leases a worker, and checks that the script was not disabled during the wait.
    async fn lease(&self, principal: Principal, key: &Arc<str>) -> Result<Lease, ScriptError> {
        let lease = Lease::acquire(&self.shared, principal, key).await;
        self.check_enabled(principal, key)?;
        lease
    }

    /// The result of a call whose exchange has ended. `None` when the worker was lost through no fault of this call: a run has no effects,
    /// so it is tried once more on another worker.
    async fn conclude<T>(
        &self,
        lease: Lease,
        end: ExchangeEnd<T>,
        principal: Principal,
        key: &Arc<str>,
        losses: &mut u32,
    ) -> Option<Result<T, ScriptError>> {
        match end {
            ExchangeEnd::Completed { result, recycle, strike } => {
                let result = result.inspect_err(|error| self.record_stop(principal, key, error, strike));
                if recycle {
                    lease.discard();
                } else {
                    lease.release();
                }
                Some(result)
            }
            ExchangeEnd::Overdue { error, strike } => {
                let error = self.record_kill(principal, key, error, strike);
                lease.discard();
                Some(Err(error))
            }
            ExchangeEnd::Lost { loading } => match lease.reap().await {
                WorkerExit::Crash => Some(Err(self.record_kill(principal, key, crashed(loading), true))),
                WorkerExit::Panic => Some(Err(self.record_kill(principal, key, failed(), true))),
                WorkerExit::External if *losses == 0 => {
                    *losses += 1;
                    None
                }
                WorkerExit::External => Some(Err(lost_twice())),
            },
        }
    }

    fn record_kill(&self, principal: Principal, key: &Arc<str>, error: ScriptError, strike: bool) -> ScriptError {
        let code = error.code();
        tracing::warn!(
            org = principal.org.0,
            script = &**key,
            code,
            strike,
            "a script's worker had to be replaced"
        );
        self.record_stop(principal, key, &error, strike);
        error
    }

    /// Counts a run that had to be stopped, if its script caused that.
    fn record_stop(&self, principal: Principal, key: &Arc<str>, error: &ScriptError, strike: bool) {
        if !strike {
            return;
        }
        let disabled = self.shared.breaker.lock().record_stop(principal, key, Instant::now());
        if disabled.is_some() {
            self.shared.cancel_queued(principal, key);
        }
        self.shared.quarantine(principal);
        let Some(disabled) = disabled else { return };
        tracing::warn!(
            org = principal.org.0,
            script = &**key,
            code = error.code(),
            "a script is disabled"
        );
        // The result of a trial says it already.
        if principal.purpose == Purpose::Live {
            // There may be no receiver.
            let _ = self.shared.disabled.send(disabled);
        }
    }
}

#[async_trait]
impl ScriptEngine for ScriptPool {
    async fn run(&self, call: Call<'_>) -> Result<ScriptOutcome, ScriptError> {
        let principal = Principal {
            org: call.context.org,
            purpose: call.purpose,
        };
        let key = principal.script_key(call.script);
        self.admit(principal, &key, call.script.source())?;
        check_size(call.payload.len(), call.script.language().max_input_bytes(), "the payload")?;
        let (load_deadline, mut losses) = (self.shared.settings.load_deadline, 0);
        loop {
            let mut lease = self.lease(principal, &key).await?;
            let end = exchange::run(lease.worker(), &key, &call, load_deadline).await;
            if let Some(result) = self.conclude(lease, end, principal, &key, &mut losses).await {
                return result.inspect(|_| self.shared.breaker.lock().record_completion(&key));
            }
        }
    }

    async fn check(&self, org: OrgId, source: &str, kind: ScriptKind) -> Result<(), ScriptError> {
        let principal = Principal::trial(org);
        let key: Arc<str> = format!("check/{}", principal.script_key(&Script::new(source, kind))).into();
        self.admit(principal, &key, source)?;
        let (deadline, mut losses) = (self.shared.settings.load_deadline, 0);
        loop {
            let mut lease = self.lease(principal, &key).await?;
            let end = exchange::check(lease.worker(), source, kind, deadline).await;
            if let Some(result) = self.conclude(lease, end, principal, &key, &mut losses).await {
                return result;
            }
        }
    }
}

fn check_size(bytes: usize, limit: usize, what: &str) -> Result<(), ScriptError> {
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("{what} has {bytes} bytes, at most {limit} are allowed");
    Err(ScriptError::new(ScriptFault::Limit, message))
}

fn disabled(left: Duration) -> ScriptError {
    let message = format!(
        "the script had to be stopped too often and is disabled for another {} s, or until its source changes",
        left.as_secs() + 1
    );
    ScriptError {
        disabled_for: Some(left),
        ..ScriptError::new(ScriptFault::Disabled, message)
    }
}

fn crashed(loading: bool) -> ScriptError {
    if loading {
        return ScriptError::new(
            ScriptFault::Limit,
            "the source is too deep or too large to be compiled within a script's memory",
        );
    }
    ScriptError::new(
        ScriptFault::Memory,
        "the script needed more memory or deeper calls than a run may have",
    )
}

fn lost_twice() -> ScriptError {
    ScriptError::unavailable("the script's worker was lost twice; nothing says that the script is at fault")
}

fn failed() -> ScriptError {
    ScriptError::new(ScriptFault::Error, "the script engine failed on this script")
}
