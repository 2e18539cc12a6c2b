//! Limits: how many requests are sent in any window, over all processes together.
//!
//! What a process has leased of a window it gives out without waiting for anything. More is leased by one request for all who wait for it,
//! which has a deadline of its own; nothing is locked meanwhile. Whoever waits may leave, the others still drive the request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use ig_core::clock::{Clock, Timestamp};
use ig_core::ports::StoreError;
use ig_core::window::{Ask, Meter, RateLimit, RateWindows, Take, WindowKey};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

/// How long the windows may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// As many keys are metered at a time; beyond that those are forgotten that nobody asked for lately. What was leased of them counts as
/// used.
const MOST: usize = 100_000;
const UNUSED: Duration = Duration::from_mins(2);

/// The limits, and what this process has leased of them.
pub struct Limiter {
    windows: Arc<dyn RateWindows>,
    clock: Arc<dyn Clock>,
    metered: Mutex<HashMap<WindowKey, Arc<Mutex<Metered>>>>,
}

/// What a limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether there is none.
    pub is_full: bool,
    /// How many more requests there is room for, as far as is known here.
    pub remaining: u32,
    /// When there is more room than now.
    pub free_at: Timestamp,
}

/// What this process has leased of one key's window.
struct Metered {
    meter: Meter,
    /// The request under way that leases more.
    leasing: Option<WeakShared<BoxFuture<'static, Leased>>>,
    used: Instant,
}

type Leased = Result<(), StoreError>;

/// What is to be done about one request.
enum Step {
    Answer(Taken),
    Wait(Shared<BoxFuture<'static, Leased>>),
}

impl Limiter {
    /// No limit is known yet; windows are where all processes see them.
    pub fn new(windows: Arc<dyn RateWindows>, clock: Arc<dyn Clock>) -> Self {
        Self {
            windows,
            clock,
            metered: Mutex::default(),
        }
    }

    /// Takes one request of a key's limit, where there is room for it. The error is that the windows did not answer in time: nothing is
    /// known about this request then.
    pub async fn take(&self, key: &WindowKey, limit: RateLimit) -> Result<Taken, StoreError> {
        let metered = self.metered(key, limit);
        loop {
            match self.step(&metered, key, limit) {
                Step::Answer(taken) => return Ok(taken),
                Step::Wait(leasing) => leasing.await?,
            }
        }
    }

    fn step(&self, metered: &Arc<Mutex<Metered>>, key: &WindowKey, limit: RateLimit) -> Step {
        let mut this = metered.lock();
        if *this.meter.limit() != limit {
            *this = Metered::new(limit);
        }
        this.used = Instant::now();
        if let Some(leasing) = this.leasing.as_ref().and_then(WeakShared::upgrade) {
            return Step::Wait(leasing);
        }
        let now = self.clock.now();
        let (free_at, is_full) = match this.meter.take(now) {
            Take::Taken => (this.meter.free_at().unwrap_or(now), false),
            Take::Full { until } => (until, true),
            Take::Ask(ask) => {
                let leasing = lease(Arc::clone(&self.windows), Arc::clone(metered), (key.clone(), limit, ask, now));
                let leasing = leasing.boxed().shared();
                this.leasing = leasing.downgrade();
                return Step::Wait(leasing);
            }
        };
        Step::Answer(Taken {
            is_full,
            remaining: this.meter.remaining(),
            free_at,
        })
    }

    fn metered(&self, key: &WindowKey, limit: RateLimit) -> Arc<Mutex<Metered>> {
        let mut all = self.metered.lock();
        if let Some(metered) = all.get(key) {
            return Arc::clone(metered);
        }
        if all.len() >= MOST {
            let now = Instant::now();
            all.retain(|_, metered| now.duration_since(metered.lock().used) < UNUSED);
            if all.len() >= MOST {
                all.clear();
            }
        }
        let metered = Arc::new(Mutex::new(Metered::new(limit)));
        all.insert(key.clone(), Arc::clone(&metered));
        metered
    }
}

impl Metered {
    fn new(limit: RateLimit) -> Self {
        Self {
            meter: Meter::new(limit),
            leasing: None,
            used: Instant::now(),
        }
    }
}

/// Leases what is asked, and hands it to the meter.
async fn lease(
    windows: Arc<dyn RateWindows>,
    metered: Arc<Mutex<Metered>>,
    (key, limit, ask, now): (WindowKey, RateLimit, Ask, Timestamp),
) -> Leased {
    let leased = timeout(PATIENCE, windows.lease(&key, &limit, ask, now)).await;
    let leased = leased.unwrap_or_else(|_| {
        let message = format!("a limit's window did not answer within {} ms", PATIENCE.as_millis());
        Err(StoreError::Unavailable(message))
    });
    let mut this = metered.lock();
    // The limit may have been changed meanwhile: then another meter stands here.
    if *this.meter.limit() == limit {
        this.leasing = None;
        match &leased {
            Ok(grant) => this.meter.granted(*grant),
            // Whether the windows have taken back what was not used is not known; it counts as used.
            Err(_) => this.meter = Meter::new(limit),
        }
    }
    leased.map(drop)
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use ig_core::clock::SystemClock;
    use ig_core::id::{IntegrationId, OrgId};
    use ig_core::window::{Grant, Window};

    use super::*;

    /// Windows that answer when they are let, and count how often they are asked.
    struct Gated {
        asked: AtomicUsize,
        gate: tokio::sync::Semaphore,
        window: Mutex<Window>,
    }

    impl Gated {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                asked: AtomicUsize::new(0),
                gate: tokio::sync::Semaphore::new(0),
                window: Mutex::default(),
            })
        }
    }

    #[async_trait]
    impl RateWindows for Gated {
        async fn lease(&self, _: &WindowKey, limit: &RateLimit, ask: Ask, now: Timestamp) -> Result<Grant, StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let _let = self.gate.acquire().await;
            let (grant, next) = self.window.lock().lease(limit, ask, now);
            if let Some(next) = next {
                *self.window.lock() = next;
            }
            Ok(grant)
        }
    }

    fn limiter(windows: &Arc<Gated>) -> Arc<Limiter> {
        Arc::new(Limiter::new(
            Arc::clone(windows) as Arc<dyn RateWindows>,
            Arc::new(SystemClock),
        ))
    }

    fn key() -> WindowKey {
        WindowKey::Integration(OrgId(1), IntegrationId([1; 12]))
    }

    fn limit() -> RateLimit {
        RateLimit::new(15, 86_400).unwrap()
    }

    #[tokio::test]
    async fn windows_that_do_not_answer_are_asked_once_for_all_who_wait() {
        let windows = Gated::new();
        let limiter = limiter(&windows);
        let (key, limit) = (key(), limit());
        let taken = futures::future::join_all((0..20).map(|_| limiter.take(&key, limit))).await;
        assert!(taken.iter().all(Result::is_err), "{taken:?}");
        assert_eq!(windows.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_limit_holds_for_all_who_wait_for_one_lease_also_where_one_leaves() {
        let windows = Gated::new();
        let limiter = limiter(&windows);
        let (key, limit) = (key(), limit());
        let mut leaves = Box::pin(limiter.take(&key, limit));
        assert!(futures::poll!(&mut leaves).is_pending());
        let mut stays = Box::pin(limiter.take(&key, limit));
        assert!(futures::poll!(&mut stays).is_pending());
        drop(leaves);
        windows.gate.add_permits(1_000);
        assert!(!stays.await.unwrap().is_full);
        let taken = futures::future::join_all((0..20).map(|_| limiter.take(&key, limit))).await;
        let passed = taken.iter().filter(|taken| matches!(taken, Ok(taken) if !taken.is_full));
        assert_eq!(passed.count(), 14);
    }

    #[tokio::test]
    async fn a_lease_that_nobody_waits_for_any_more_is_asked_for_anew() {
        let windows = Gated::new();
        let limiter = limiter(&windows);
        let (key, limit) = (key(), limit());
        let mut leaves = Box::pin(limiter.take(&key, limit));
        assert!(futures::poll!(&mut leaves).is_pending());
        drop(leaves);
        windows.gate.add_permits(1_000);
        assert!(!limiter.take(&key, limit).await.unwrap().is_full);
    }
}
