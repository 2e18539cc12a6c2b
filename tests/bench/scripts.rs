//! Scripts per second through the pool.
//!
//! The mapping is `clinic-summary.js` of the corpus. A call's time is the worker's time plus the way there and back; with one call at
//! a time there is nothing else.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use chrono::Utc;
use futures::future::join_all;
use ig_core::id::OrgId;
use ig_transform::script::{
    Call, MAX_DEADLINE, PoolSettings, RunContext, Script, ScriptEngine as _, ScriptKind, ScriptLookups, ScriptOutcome, ScriptPool,
};
use serde_json::Value;

use crate::report::Report;
use crate::{RUNS, median};

/// The length of each measurement.
const MEASURED: Duration = Duration::from_secs(2);

struct NoTables;

#[async_trait]
impl ScriptLookups for NoTables {
    async fn lookup(&self, _: &str, _: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

/// Calls with payloads of 1, 20 and 50 KB.
pub(crate) async fn through_the_pool(report: &mut Report) -> anyhow::Result<()> {
    for size in ["1k", "20k", "50k"] {
        let bench = Bench::new(&format!("visits-{size}"))?;
        let (mut rates, mut calls, mut spents) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let (call, spent) = bench.one_at_a_time().await;
            calls.push(call.as_secs_f64() * 1e6);
            spents.push(spent.as_secs_f64() * 1e6);
            rates.push(bench.all_at_once().await);
        }
        let (call, spent) = (median(calls), median(spents));
        report.add(format!("SCRIPT through the pool, {size}"), median(rates), "scripts/s", "");
        report.add("  one call alone", call, "µs", "");
        report.add("  of it the engine's worker", 100.0 * spent / call, "%", "");
    }
    Ok(())
}

/// The mapping for the deliveries with scripts.
pub(crate) fn mapping() -> anyhow::Result<String> {
    fixture("cases/clinic-summary.js")
}

/// The mapping's payload of 1 KB.
pub(crate) fn payload() -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&fixture("payloads/visits-1k.json")?)?)
}

struct Bench {
    pool: ScriptPool,
    workers: usize,
    script: Script,
    payload: Vec<u8>,
}

impl Bench {
    fn new(payload: &str) -> anyhow::Result<Self> {
        let settings = PoolSettings::default();
        let workers = settings.workers;
        let pool = ScriptPool::start(settings)?;
        let script = Script::new(mapping()?, ScriptKind::Transform);
        let payload = fixture(&format!("payloads/{payload}.json"))?.into_bytes();
        Ok(Self {
            pool,
            workers,
            script,
            payload,
        })
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

    /// The mean times of a whole call and of its worker's part.
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

    /// Calls per second with two callers for each worker, each a tenant.
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

fn fixture(path: &str) -> anyhow::Result<String> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/transform/tests/fixtures/scripts");
    std::fs::read_to_string(fixtures.join(path)).with_context(|| path.to_owned())
}
