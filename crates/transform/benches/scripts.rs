//! How many scripts a second go through the pool: `cargo bench -p ig-transform --bench scripts`.
//!
//! The mapping is `clinic-summary.js` of the corpus. A call's time is split into what its worker spent on it and the way there and
//! back; with one call at a time nothing else is in it.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::Utc;
use futures::future::join_all;
use ig_core::id::OrgId;
use ig_transform::script::{
    Call, Host, MAX_DEADLINE, PoolSettings, RunContext, Script, ScriptEngine as _, ScriptKind, ScriptOutcome, ScriptPool,
    is_worker, worker_main,
};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(3);

struct NoTables;

#[async_trait]
impl Host for NoTables {
    async fn lookup(&self, _: &str, _: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

fn main() -> ExitCode {
    if is_worker() {
        return worker_main();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    runtime.block_on(measure());
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "the table is what it is run for")]
async fn measure() {
    println!(
        "{:>8} {:>12} {:>12} {:>12} {:>12}",
        "payload", "calls/s", "call µs", "worker µs", "way µs"
    );
    for size in ["1k", "20k", "50k"] {
        let bench = Bench::new(&format!("visits-{size}"));
        let (alone, spent) = bench.one_at_a_time().await;
        let rate = bench.all_at_once().await;
        let way = alone.saturating_sub(spent);
        println!(
            "{size:>8} {rate:>12.0} {:>12} {:>12} {:>12}",
            alone.as_micros(),
            spent.as_micros(),
            way.as_micros()
        );
    }
}

struct Bench {
    pool: ScriptPool,
    workers: usize,
    script: Script,
    payload: Vec<u8>,
}

impl Bench {
    fn new(payload: &str) -> Self {
        let settings = PoolSettings::default();
        let workers = settings.workers;
        let pool = ScriptPool::start(settings).expect("the pool starts");
        let script = Script::new(fixture("cases/clinic-summary.js"), ScriptKind::Transform);
        let payload = fixture(&format!("payloads/{payload}.json")).into_bytes();
        Self {
            pool,
            workers,
            script,
            payload,
        }
    }

    async fn call(&self, org: i64) -> ScriptOutcome {
        let context = RunContext {
            event_type: "clinic-day".to_owned(),
            org: OrgId(org),
            tenant_id: org,
            integration_id: "bench".to_owned(),
            now: Utc::now(),
        };
        let call = Call::new(&self.script, &self.payload, &context, &NoTables);
        let deadline = MAX_DEADLINE;
        self.pool.run(Call { deadline, ..call }).await.expect("the mapping runs")
    }

    /// Means of a whole call and of its worker's part.
    async fn one_at_a_time(&self) -> (Duration, Duration) {
        self.repeat(1, Duration::from_millis(500)).await;
        let (mut calls, mut spent) = (0_u32, Duration::ZERO);
        let began = Instant::now();
        while began.elapsed() < MEASURED {
            spent += self.call(1).await.duration;
            calls += 1;
        }
        (began.elapsed() / calls, spent / calls)
    }

    /// Calls a second with two calls for each worker under way, each caller a tenant.
    async fn all_at_once(&self) -> f64 {
        self.repeat(2 * self.workers, Duration::from_millis(500)).await;
        let began = Instant::now();
        let calls = self.repeat(2 * self.workers, MEASURED).await;
        calls as f64 / began.elapsed().as_secs_f64()
    }

    async fn repeat(&self, callers: usize, time: Duration) -> u64 {
        let (calls, began) = (AtomicU64::new(0), Instant::now());
        let callers = (1..).take(callers).map(async |org| {
            while began.elapsed() < time {
                self.call(org).await;
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
        join_all(callers).await;
        calls.into_inner()
    }
}

fn fixture(path: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scripts");
    std::fs::read_to_string(fixtures.join(path)).expect("the fixture is there")
}
