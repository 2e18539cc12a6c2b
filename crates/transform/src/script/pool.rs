//! Scripts run in a pool of worker processes.
//!
//! A caller waits for a worker, talks to it and gives it back. A worker that does not answer in time is not waited for: it goes to
//! the keeper, a thread that ends it, reaps it and starts another. The thread lives as long as the pool, because a worker dies with
//! the thread that started it.
//!
//! A tenant of whose scripts one had to be stopped lately runs what it runs in a room of its own, which it shares with others of that
//! kind and which has one worker: what else it may do, it takes from them. What a tenant tries out, and has checked, counts as another
//! tenant's: whoever may look at a script alone cannot have it disabled where it is needed.

mod breaker;
mod desk;
mod exchange;
mod keeper;
mod lease;
mod party;
mod room;
mod settings;
mod turns;
mod worker;

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ig_core::id::OrgId;
use parking_lot::Mutex;
use tokio::sync::broadcast;

pub use breaker::Disabled;
pub use settings::PoolSettings;

use breaker::Breaker;
use desk::Desk;
use exchange::End;
use keeper::Order;
use lease::{Death, Lease};
use party::Party;

use super::call::{Call, Purpose, Script, ScriptKind};
use super::engine::ScriptEngine;
use super::error::{ScriptError, ScriptFault};
use super::limits::MAX_SOURCE_BYTES;
use super::outcome::ScriptOutcome;

/// A pool of workers. Clones share it; with the last one the workers end.
#[derive(Clone)]
pub struct ScriptPool {
    shared: Arc<Shared>,
}

/// How a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Workers that are alive, idle or not.
    pub alive: usize,
    /// Of these, workers that wait for a call.
    pub idle: usize,
    /// Calls that wait for a worker.
    pub waiting: usize,
}

struct Shared {
    settings: PoolSettings,
    desk: Mutex<Desk>,
    breaker: Mutex<Breaker>,
    disabled: broadcast::Sender<Disabled>,
    keeper: mpsc::Sender<Order>,
}

impl ScriptPool {
    /// Starts a pool and does not wait for its workers; calls do.
    pub fn start(settings: PoolSettings) -> std::io::Result<Self> {
        let (keeper, orders) = mpsc::channel();
        let shared = Arc::new(Shared {
            desk: Mutex::new(Desk::new(settings.workers)),
            breaker: Mutex::new(Breaker::new(&settings)),
            disabled: broadcast::channel(64).0,
            keeper,
            settings,
        });
        keeper::start(&shared, orders)?;
        Ok(Self { shared })
    }

    /// Tells of each script that is disabled from now on; who lags behind misses the oldest.
    pub fn disabled(&self) -> broadcast::Receiver<Disabled> {
        self.shared.disabled.subscribe()
    }

    /// How the pool is doing.
    pub fn state(&self) -> PoolState {
        self.shared.desk.lock().state()
    }

    /// The process ids of its workers.
    pub fn workers(&self) -> Vec<u32> {
        self.shared.desk.lock().alive()
    }

    /// Makes a script ready on a worker, so that its first run does not wait for that.
    pub async fn warm(&self, org: OrgId, script: &Script) -> Result<(), ScriptError> {
        let party = Party::live(org);
        let key = party.key(script);
        self.admit(party, &key, script.source())?;
        let (deadline, mut lost) = (self.shared.settings.load_deadline, 0);
        loop {
            let mut lease = self.lease(party, &key).await?;
            let end = exchange::load(lease.worker(), &key, script, deadline).await;
            if let Some(end) = self.settle(lease, end, party, &key, &mut lost).await {
                return end;
            }
        }
    }

    /// Refuses what needs no worker to be refused.
    fn admit(&self, party: Party, key: &Arc<str>, source: &str) -> Result<(), ScriptError> {
        within(source.len(), MAX_SOURCE_BYTES, "the source")?;
        self.enabled(party, key)
    }

    fn enabled(&self, party: Party, key: &Arc<str>) -> Result<(), ScriptError> {
        let left = self.shared.breaker.lock().disabled_for(party, key, Instant::now());
        left.map_or(Ok(()), |left| Err(disabled(left)))
    }

    /// A worker for a script that was not disabled meanwhile.
    async fn lease(&self, party: Party, key: &Arc<str>) -> Result<Lease, ScriptError> {
        let lease = Lease::acquire(&self.shared, party, key).await;
        self.enabled(party, key)?;
        lease
    }

    /// What an end of a talk means. Nothing when the worker was lost through no fault of this call: a run has no effects, so it is
    /// asked of another worker, once.
    async fn settle<T>(
        &self,
        lease: Lease,
        end: End<T>,
        party: Party,
        key: &Arc<str>,
        lost: &mut u32,
    ) -> Option<Result<T, ScriptError>> {
        match end {
            End::Answered { answer, worn, strike } => {
                let answer = answer.inspect_err(|error| self.stopped(party, key, error, strike));
                if worn {
                    lease.discard();
                } else {
                    lease.give_back();
                }
                Some(answer)
            }
            End::Overdue { answer, strike } => {
                let error = self.killed(party, key, answer, strike);
                lease.discard();
                Some(Err(error))
            }
            End::Lost { loading } => match lease.bury().await {
                Death::Crash => Some(Err(self.killed(party, key, crashed(loading), true))),
                Death::Panic => Some(Err(self.killed(party, key, failed(), true))),
                Death::Foreign if *lost == 0 => {
                    *lost += 1;
                    None
                }
                Death::Foreign => Some(Err(lost_twice())),
            },
        }
    }

    fn killed(&self, party: Party, key: &Arc<str>, error: ScriptError, strike: bool) -> ScriptError {
        let code = error.code();
        tracing::warn!(
            org = party.org.0,
            script = &**key,
            code,
            strike,
            "a script's worker had to be replaced"
        );
        self.stopped(party, key, &error, strike);
        error
    }

    /// Takes note of a run that did not end by itself, if that was its script's doing.
    fn stopped(&self, party: Party, key: &Arc<str>, error: &ScriptError, strike: bool) {
        if !strike {
            return;
        }
        let disabled = self.shared.breaker.lock().stopped(party, key, Instant::now());
        if disabled.is_some() {
            self.shared.dismiss(party, key);
        }
        self.shared.set_apart(party);
        let Some(disabled) = disabled else { return };
        tracing::warn!(
            org = party.org.0,
            script = &**key,
            code = error.code(),
            "a script is disabled"
        );
        // What is only tried out is told whoever tries it.
        if party.purpose == Purpose::Live {
            // Nobody need listen.
            let _ = self.shared.disabled.send(disabled);
        }
    }
}

#[async_trait]
impl ScriptEngine for ScriptPool {
    async fn run(&self, call: Call<'_>) -> Result<ScriptOutcome, ScriptError> {
        let party = Party {
            org: call.context.org,
            purpose: call.purpose,
        };
        let key = party.key(call.script);
        self.admit(party, &key, call.script.source())?;
        within(call.payload.len(), call.script.language().most_input(), "the payload")?;
        let (load_deadline, mut lost) = (self.shared.settings.load_deadline, 0);
        loop {
            let mut lease = self.lease(party, &key).await?;
            let end = exchange::run(lease.worker(), &key, &call, load_deadline).await;
            if let Some(end) = self.settle(lease, end, party, &key, &mut lost).await {
                return end.inspect(|_| self.shared.breaker.lock().ended(&key));
            }
        }
    }

    async fn check(&self, org: OrgId, source: &str, kind: ScriptKind) -> Result<(), ScriptError> {
        let party = Party::trial(org);
        let key: Arc<str> = format!("check/{}", party.key(&Script::new(source, kind))).into();
        self.admit(party, &key, source)?;
        let (deadline, mut lost) = (self.shared.settings.load_deadline, 0);
        loop {
            let mut lease = self.lease(party, &key).await?;
            let end = exchange::check(lease.worker(), source, kind, deadline).await;
            if let Some(end) = self.settle(lease, end, party, &key, &mut lost).await {
                return end;
            }
        }
    }
}

fn within(bytes: usize, most: usize, what: &str) -> Result<(), ScriptError> {
    if bytes <= most {
        return Ok(());
    }
    let message = format!("{what} has {bytes} bytes, at most {most} are allowed");
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
