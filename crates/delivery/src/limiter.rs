//! Rate limits: how many requests all processes together send in a window.
//!
//! A process takes requests from its lease on a window without waiting. One call leases more on behalf of every waiting request, with a
//! timeout of its own and no lock held. A waiting request may be cancelled; the remaining ones drive the call on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use ig_core::clock::{Clock, Timestamp};
use ig_core::ports::StoreError;
use ig_core::window::{LeaseRequest, Meter, RateLimit, RateWindows, TakeResult, WindowKey};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

/// How long leasing may take.
const LEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// The most keys with a lease. Beyond it, leases unused for [`EXPIRE_UNUSED_AFTER`] are dropped, and what they still held counts as used.
const MAX_KEYS: usize = 100_000;
const EXPIRE_UNUSED_AFTER: Duration = Duration::from_mins(2);

/// The rate limits, and this process's leases on them.
pub struct Limiter {
    windows: Arc<dyn RateWindows>,
    clock: Arc<dyn Clock>,
    leased: Mutex<HashMap<WindowKey, Arc<Mutex<LeasedWindow>>>>,
}

/// A limit's decision on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitDecision {
    /// Whether the limit is reached.
    pub is_full: bool,
    /// How many more requests the limit allows, as far as this process knows.
    pub remaining: u32,
    /// When the limit allows more requests than now.
    pub free_at: Timestamp,
}

/// This process's lease on one key's window.
struct LeasedWindow {
    meter: Meter,
    /// The running call that leases more.
    pending_lease: Option<WeakShared<BoxFuture<'static, LeaseResult>>>,
    last_used: Instant,
}

type LeaseResult = Result<(), StoreError>;

/// The next step for one request.
enum Step {
    Decided(LimitDecision),
    AwaitLease(Shared<BoxFuture<'static, LeaseResult>>),
}

impl Limiter {
    /// A limiter without leases; all processes share `windows`.
    pub fn new(windows: Arc<dyn RateWindows>, clock: Arc<dyn Clock>) -> Self {
        Self {
            windows,
            clock,
            leased: Mutex::default(),
        }
    }

    /// Takes one request from a key's limit, where it allows one. The error means that the windows did not answer in time, and says nothing
    /// about the limit.
    pub async fn take(&self, key: &WindowKey, limit: RateLimit) -> Result<LimitDecision, StoreError> {
        let leased = self.leased_window(key, limit);
        loop {
            match self.next_step(&leased, key, limit) {
                Step::Decided(decision) => return Ok(decision),
                Step::AwaitLease(pending_lease) => pending_lease.await?,
            }
        }
    }

    fn next_step(&self, leased: &Arc<Mutex<LeasedWindow>>, key: &WindowKey, limit: RateLimit) -> Step {
        let mut this = leased.lock();
        if *this.meter.limit() != limit {
            *this = LeasedWindow::new(limit);
        }
        this.last_used = Instant::now();
        if let Some(pending_lease) = this.pending_lease.as_ref().and_then(WeakShared::upgrade) {
            return Step::AwaitLease(pending_lease);
        }
        let now = self.clock.now();
        let (free_at, is_full) = match this.meter.take(now) {
            TakeResult::Taken => (this.meter.free_at().unwrap_or(now), false),
            TakeResult::Full { until } => (until, true),
            TakeResult::NeedsLease(request) => {
                let pending_lease = lease_more(
                    Arc::clone(&self.windows),
                    Arc::clone(leased),
                    (key.clone(), limit, request, now),
                );
                let pending_lease = pending_lease.boxed().shared();
                this.pending_lease = pending_lease.downgrade();
                return Step::AwaitLease(pending_lease);
            }
        };
        Step::Decided(LimitDecision {
            is_full,
            remaining: this.meter.remaining(),
            free_at,
        })
    }

    fn leased_window(&self, key: &WindowKey, limit: RateLimit) -> Arc<Mutex<LeasedWindow>> {
        let mut all = self.leased.lock();
        if let Some(leased) = all.get(key) {
            return Arc::clone(leased);
        }
        if all.len() >= MAX_KEYS {
            let now = Instant::now();
            all.retain(|_, leased| now.duration_since(leased.lock().last_used) < EXPIRE_UNUSED_AFTER);
            if all.len() >= MAX_KEYS {
                all.clear();
            }
        }
        let leased = Arc::new(Mutex::new(LeasedWindow::new(limit)));
        all.insert(key.clone(), Arc::clone(&leased));
        leased
    }
}

impl LeasedWindow {
    fn new(limit: RateLimit) -> Self {
        Self {
            meter: Meter::new(limit),
            pending_lease: None,
            last_used: Instant::now(),
        }
    }
}

/// Leases more, and adds it to the meter.
async fn lease_more(
    windows: Arc<dyn RateWindows>,
    leased: Arc<Mutex<LeasedWindow>>,
    (key, limit, request, now): (WindowKey, RateLimit, LeaseRequest, Timestamp),
) -> LeaseResult {
    let result = timeout(LEASE_TIMEOUT, windows.lease(&key, &limit, request, now)).await;
    let result = result.unwrap_or_else(|_| {
        let message = format!("a limit's window did not answer within {} ms", LEASE_TIMEOUT.as_millis());
        Err(StoreError::Unavailable(message))
    });
    let mut this = leased.lock();
    // A change of the limit meanwhile has put another meter here.
    if *this.meter.limit() == limit {
        this.pending_lease = None;
        match &result {
            Ok(grant) => this.meter.granted(*grant),
            // The windows may or may not have taken back the unused rest, so it counts as used.
            Err(_) => this.meter = Meter::new(limit),
        }
    }
    result.map(drop)
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

    /// Windows that answer only once the gate opens, and count the calls.
    struct GatedWindows {
        asked: AtomicUsize,
        gate: tokio::sync::Semaphore,
        window: Mutex<Window>,
    }

    impl GatedWindows {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                asked: AtomicUsize::new(0),
                gate: tokio::sync::Semaphore::new(0),
                window: Mutex::default(),
            })
        }
    }

    #[async_trait]
    impl RateWindows for GatedWindows {
        async fn lease(&self, _: &WindowKey, limit: &RateLimit, ask: LeaseRequest, now: Timestamp) -> Result<Grant, StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let _let = self.gate.acquire().await;
            let (grant, next) = self.window.lock().lease(limit, ask, now);
            if let Some(next) = next {
                *self.window.lock() = next;
            }
            Ok(grant)
        }
    }

    fn limiter(windows: &Arc<GatedWindows>) -> Arc<Limiter> {
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
    async fn limiter_asks_unresponsive_windows_once_for_all_waiting_requests() {
        let windows = GatedWindows::new();
        let limiter = limiter(&windows);
        let (key, limit) = (key(), limit());
        let decisions = futures::future::join_all((0..20).map(|_| limiter.take(&key, limit))).await;
        assert!(decisions.iter().all(Result::is_err), "{decisions:?}");
        assert_eq!(windows.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn limiter_keeps_the_limit_when_a_waiting_request_is_cancelled() {
        let windows = GatedWindows::new();
        let limiter = limiter(&windows);
        let (key, limit) = (key(), limit());
        let mut cancelled = Box::pin(limiter.take(&key, limit));
        assert!(futures::poll!(&mut cancelled).is_pending());
        let mut waiting = Box::pin(limiter.take(&key, limit));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(cancelled);
        windows.gate.add_permits(1_000);
        assert!(!waiting.await.unwrap().is_full);
        let decisions = futures::future::join_all((0..20).map(|_| limiter.take(&key, limit))).await;
        let passed = decisions
            .iter()
            .filter(|decision| matches!(decision, Ok(decision) if !decision.is_full));
        assert_eq!(passed.count(), 14);
    }

    #[tokio::test]
    async fn limiter_leases_again_after_every_waiting_request_was_cancelled() {
        let windows = GatedWindows::new();
        let limiter = limiter(&windows);
        let (key, limit) = (key(), limit());
        let mut cancelled = Box::pin(limiter.take(&key, limit));
        assert!(futures::poll!(&mut cancelled).is_pending());
        drop(cancelled);
        windows.gate.add_permits(1_000);
        assert!(!limiter.take(&key, limit).await.unwrap().is_full);
    }
}
