//! The latency of events at 200 a second.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::{ReceivedRequest, Receiver};
use serde_json::json;

use crate::report::Report;
use crate::stack::Stack;
use crate::throughput::payload;
use crate::{RUNS, median};

const EVENTS: i64 = 2_000;
const PACE: Duration = Duration::from_millis(5);

/// The time from a row's commit to the receipt of its request.
pub(crate) async fn rows(report: &mut Report) -> anyhow::Result<()> {
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (stack, receiver) = prepare().await?;
        let mut sent = HashMap::new();
        let mut pace = tokio::time::interval(PACE);
        for n in 0..EVENTS {
            pace.tick().await;
            stack.queue.insert(QueueRow::new(1, "event").json(&payload(n))).await;
            sent.insert(n, Utc::now());
        }
        collect(&receiver, &sent, &mut p50, &mut p99).await;
    }
    report.add(
        "row committed to request received, 200 events/s, p50",
        median(p50),
        "ms",
        "<= 30",
    );
    report.add(
        "row committed to request received, 200 events/s, p99",
        median(p99),
        "ms",
        "<= 100",
    );
    Ok(())
}

/// The time from an accepted push to the receipt of its request.
pub(crate) async fn pushes(report: &mut Report) -> anyhow::Result<()> {
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (stack, receiver) = prepare().await?;
        let mut sent = HashMap::new();
        let mut pace = tokio::time::interval(PACE);
        for n in 0..EVENTS {
            pace.tick().await;
            stack
                .post("/events?orgId=1", &json!({"eventType": "event", "payload": payload(n)}))
                .await?;
            sent.insert(n, Utc::now());
        }
        collect(&receiver, &sent, &mut p50, &mut p99).await;
    }
    report.add(
        "push accepted to request received, 200 events/s, p50",
        median(p50),
        "ms",
        "<= 10",
    );
    report.add(
        "push accepted to request received, 200 events/s, p99",
        median(p99),
        "ms",
        "<= 50",
    );
    Ok(())
}

async fn prepare() -> anyhow::Result<(Stack, Receiver)> {
    let (stack, receiver) = (Stack::start().await?, Receiver::start());
    stack.tenants(1).await?;
    stack.integration(1, "event", &receiver.url("/hook")).await?;
    Ok((stack, receiver))
}

async fn collect(receiver: &Receiver, sent: &HashMap<i64, DateTime<Utc>>, p50: &mut Vec<f64>, p99: &mut Vec<f64>) {
    let taken = taken(&receiver.wait_for(sent.len()).await, sent, Utc::now());
    p50.push(taken.0);
    p99.push(taken.1);
}

/// The median and 99th percentile of the latency of events, in milliseconds, from their send times. A receipt before the client read the
/// acceptance counts as zero; an event without a receipt counts up to now.
pub(crate) fn taken(received: &[ReceivedRequest], sent: &HashMap<i64, DateTime<Utc>>, now: DateTime<Utc>) -> (f64, f64) {
    let receipts = received
        .iter()
        .filter_map(|request| Some((request.json()["n"].as_i64()?, request.at)));
    let at: HashMap<_, _> = receipts.collect();
    let took = sent.iter().map(|(n, sent)| {
        let took = *at.get(n).unwrap_or(&now) - *sent;
        took.num_microseconds().map_or(0.0, |took| took as f64 / 1000.0).max(0.0)
    });
    let mut took: Vec<f64> = took.collect();
    took.sort_by(f64::total_cmp);
    (took[took.len() / 2], took[took.len() * 99 / 100])
}
