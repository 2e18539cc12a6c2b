//! Jobs on a schedule that go on where they stopped.

use std::collections::BTreeMap;

use ig_testkit::wait::eventually_within;
use serde_json::{Value, json};

use super::setup::{Jobs, PATIENCE};
use crate::setup::ORG;

#[tokio::test]
async fn incremental_job_delivers_each_row_once_in_batches_and_in_order() {
    let jobs = Jobs::start(1, &[]).await;
    for number in 1..=7 {
        jobs.bill(ORG, &format!("{number}.00"), "'2026-02-04'").await;
    }
    let job = jobs
        .job(
            ORG,
            "/rows",
            json!({
                "schedule": {"type": "INTERVAL", "intervalMs": 1_000},
                "dataSource": {"type": "SQL", "query": "SELECT id, amount FROM bills WHERE id > {{job.watermark}} ORDER BY id"},
                "batch": {"size": 3},
                "watermark": {"field": "id", "initial": "0"},
            }),
        )
        .await;
    let first = jobs.receiver.wait_for(3).await;
    let bodies: Vec<_> = first.iter().map(|request| ids(&request.body)).collect();
    assert_eq!(bodies, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
    for number in 8..=9 {
        jobs.bill(ORG, &format!("{number}.00"), "'2026-02-04'").await;
    }
    jobs.receiver
        .wait_until("the later rows", |requests| {
            let sent: Vec<i64> = requests.iter().flat_map(|request| ids(&request.body)).collect();
            sent.contains(&9)
        })
        .await;
    let shown = format!("/scheduled-jobs/{job}?orgId={ORG}");
    eventually_within(PATIENCE, "the watermark moves", async || {
        jobs.stack.api.get(&shown).await["currentWatermark"] == 9
    })
    .await;
    // Further runs find nothing.
    let runs = jobs.logs(ORG, "").await.len();
    eventually_within(PATIENCE, "two more runs", async || jobs.logs(ORG, "").await.len() >= runs + 2).await;
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    for id in jobs.receiver.requests().iter().flat_map(|request| ids(&request.body)) {
        *times.entry(id).or_default() += 1;
    }
    assert_eq!(times, (1..=9).map(|id| (id, 1)).collect(), "each row once");
}

pub(super) fn ids(body: &[u8]) -> Vec<i64> {
    let rows: Vec<Value> = serde_json::from_slice(body).expect("a list of rows");
    rows.iter().map(|row| row["id"].as_i64().expect("an id")).collect()
}
