//! Many deliveries due in the same second.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Receiver;
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::report::Report;
use crate::stack::Stack;
use crate::throughput::payload;
use crate::{RUNS, median};

const ROWS: i64 = 100_000;
const INTEGRATIONS: i64 = 10;
/// The time that planning may take before the rows are due.
const LEAD: TimeDelta = TimeDelta::seconds(90);

/// How fast 100,000 rows of one tenant, all due in one second, drain, and the latency of another tenant's live events meanwhile.
pub(crate) async fn due_at_once(report: &mut Report) -> anyhow::Result<()> {
    let (mut rates, mut live, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (stack, later, other) = (Stack::start().await?, Receiver::counting(), Receiver::start());
        stack.tenants(2).await?;
        stack.integration(2, "live", &other.url("/hook")).await?;
        let due = plan(&stack, &later).await?;
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
        let began = Instant::now();
        while later.count() < ROWS.cast_unsigned() {
            anyhow::ensure!(
                began.elapsed() < Duration::from_mins(5),
                "not drained: {} received",
                later.count()
            );
            live.push(one_live(&stack, &other).await?);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        rates.push(ROWS as f64 / began.elapsed().as_secs_f64());
        memory.push(stack.memory_mib());
    }
    report.add(
        "100,000 rows of one tenant due at one second",
        median(rates),
        "deliveries/s",
        "the worker's rate",
    );
    report.add("  live events of another tenant meanwhile", median(live), "s", "<= 1");
    report.add("  memory, six services in one process", median(memory), "MiB", "");
    Ok(())
}

/// Has all rows planned before they are due, and returns when that is.
async fn plan(stack: &Stack, later: &Receiver) -> anyhow::Result<chrono::DateTime<Utc>> {
    for n in 0..INTEGRATIONS {
        let body = json!({
            "name": format!("later {n}"), "eventType": format!("later-{n}"), "targetUrl": later.url("/hook"),
            "schedulingMode": "DELAYED", "schedulingConfig": {"at": "due"},
        });
        stack.post("/outbound-integrations?orgId=1", &body).await?;
    }
    let due = Utc::now() + LEAD;
    let rows = (0..ROWS).map(|n| {
        let mut payload = payload(n);
        payload["due"] = json!(due.to_rfc3339());
        QueueRow::new(1, &format!("later-{}", n % INTEGRATIONS)).json(&payload)
    });
    stack.queue.insert_many(rows).await;
    let planned = stack.mongo.open().await.collection::<Document>("scheduled_integrations");
    while planned.count_documents(doc! {}).await? < ROWS.cast_unsigned() {
        anyhow::ensure!(Utc::now() < due, "they were not planned before they were due");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(due)
}

async fn one_live(stack: &Stack, other: &Receiver) -> anyhow::Result<f64> {
    let before = other.count();
    stack.queue.insert(QueueRow::new(2, "live").json(&payload(0))).await;
    let committed = Instant::now();
    while other.count() == before {
        anyhow::ensure!(committed.elapsed() < Duration::from_mins(1), "a live event is starved");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(committed.elapsed().as_secs_f64())
}
