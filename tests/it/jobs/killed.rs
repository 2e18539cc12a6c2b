//! Runners that are killed: every firing runs once, and no batch is delivered twice.

use std::collections::{BTreeMap, BTreeSet};

use ig_testkit::wait::eventually_within;
use serde_json::json;

use super::incremental::ids;
use super::setup::{Jobs, PATIENCE};
use crate::setup::ORG;

const JOBS: usize = 40;
const KILLS: usize = 6;

#[tokio::test]
async fn job_firings_of_two_runners_that_are_killed_run_once_each() {
    let mut jobs = Jobs::start(2, &[("IG__JOBS__LEASE_SECONDS", "2"), ("IG__JOBS__MAX_RUNS_PER_ORG", "8")]).await;
    for number in 1..=10 {
        jobs.bill(ORG, &format!("{number}.00"), "'2026-02-04'").await;
    }
    let mut ids_of_jobs = BTreeSet::new();
    for number in 0..JOBS {
        // Each job fires once, soon after it is made: its next firing lies far ahead.
        let soon = chrono::Utc::now() + chrono::TimeDelta::seconds(15);
        let expression = soon.format("%S %M %H %d %m *").to_string();
        let fields = json!({
            "name": format!("Bills {number}"),
            "schedule": {"type": "CRON", "expression": expression, "timezone": "UTC"},
            "batch": {"size": 2},
        });
        ids_of_jobs.insert(jobs.job(ORG, &format!("/job/{number}"), fields).await);
    }
    for round in 0..KILLS {
        let sent = jobs.receiver.count();
        eventually_within(PATIENCE, "more is delivered, or all", async || {
            jobs.receiver.count() >= sent + 10 || jobs.receiver.count() >= (JOBS * 5) as u64
        })
        .await;
        let runner = &mut jobs.runners[round % 2];
        runner.kill();
        runner.start_again().await;
    }
    eventually_within(PATIENCE, "every firing has ended", async || {
        let logs = jobs.logs(ORG, "").await;
        logs.len() >= JOBS && logs.iter().all(|log| log["status"] != "RUNNING")
    })
    .await;
    let logs = jobs.logs(ORG, "").await;
    let mut runs: BTreeMap<&str, u32> = BTreeMap::new();
    for log in &logs {
        assert_eq!(log["status"], "SUCCESS", "{log}");
        *runs.entry(log["integrationConfigId"].as_str().expect("a job")).or_default() += 1;
    }
    assert_eq!(runs.len(), JOBS, "every job ran");
    assert!(runs.values().all(|count| *count == 1), "{runs:?}");
    // A delivery that was in flight when its runner died may be sent again under the same id; none is lost.
    for number in 0..JOBS {
        let requests = jobs.receiver.requests_to(&format!("/job/{number}"));
        let distinct: BTreeMap<_, _> = requests
            .iter()
            .map(|request| (request.headers.get("webhook-id").cloned(), ids(&request.body)))
            .collect();
        let mut rows: Vec<i64> = distinct.into_values().flatten().collect();
        rows.sort_unstable();
        assert_eq!(rows, (1..=10).collect::<Vec<_>>(), "job {number}");
    }
}
