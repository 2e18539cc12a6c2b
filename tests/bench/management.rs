//! The management API with a million stored deliveries.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bson::oid::ObjectId;
use futures::{StreamExt as _, TryStreamExt as _};
use ig_testkit::receiver::Receiver;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::{Value, json};

use crate::report::Report;
use crate::stack::Stack;

const STORED: i64 = 1_000_000;
/// The first organisation has every other delivery.
const TENANTS: i64 = 20;
const OVER: Duration = Duration::from_hours(7 * 24);
const BATCH: usize = 2_000;
const ASKED: usize = 200;
const AT_ONCE: usize = 8;
const CHANGES: usize = 300;

/// Lists, reads, writes, and an export of half a million deliveries.
pub(crate) async fn beside_a_million(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start().await?;
    stack.tenants(TENANTS).await?;
    let receiver = Receiver::counting();
    stack.integration(1, "event", &receiver.url("/hook")).await?;
    store(&stack).await?;
    let listed = stack.get("/outbound-integrations?orgId=1").await?;
    let id = listed
        .pointer("/integrations/0/id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let lists = [
        ("list of an organisation's deliveries", "/logs?orgId=1".to_owned(), "<= 50"),
        ("  those that failed", "/logs?orgId=1&status=FAILED".to_owned(), "<= 50"),
        (
            "  those of one integration",
            format!("/logs?orgId=1&integrationId={id}"),
            "<= 50",
        ),
        ("  those of one event type", "/logs?orgId=1&eventType=event-4".to_owned(), ""),
        ("one integration", format!("/outbound-integrations/{id}?orgId=1"), ""),
    ];
    for (what, path, wanted) in lists {
        let (p50, p99) = one_by_one(&stack, &path).await?;
        report.add(format!("{what}, p50"), p50, "ms", "");
        report.add(format!("{what}, p99"), p99, "ms", wanted);
    }
    let list = at_once(&stack, "/logs?orgId=1").await?;
    report.add("lists of deliveries, 8 at once", list, "requests/s", "");
    let read = at_once(&stack, &format!("/outbound-integrations/{id}?orgId=1")).await?;
    report.add("reads of an integration, 8 at once", read, "requests/s", "");
    changes(&stack, id, report).await?;
    let began = Instant::now();
    stack.get("/dashboard?orgId=1").await?;
    report.add(
        "an organisation's dashboard, never looked at before",
        began.elapsed().as_secs_f64() * 1e3,
        "ms",
        "",
    );
    let (p50, p99) = one_by_one(&stack, "/dashboard?orgId=1").await?;
    report.add("an organisation's dashboard, p50", p50, "ms", "");
    report.add("an organisation's dashboard, p99", p99, "ms", "<= 50");
    export(&stack, report).await
}

/// Makes one delivery and stores the rest as variations of its log.
async fn store(stack: &Stack) -> anyhow::Result<()> {
    let event =
        json!({"eventType": "event", "payload": {"n": 1, "patient": {"name": "Ada", "code": "a1"}, "notes": "x".repeat(600)}});
    stack.post("/events?orgId=1", &event).await?;
    let logs = stack.mongo.open().await.collection::<Document>("delivery_logs");
    let made = loop {
        if let Some(made) = logs.find_one(doc! { "status": "SUCCESS" }).await? {
            break made;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let now = DateTime::now().timestamp_millis();
    let (over, numbers) = (i64::try_from(OVER.as_millis())?, 0..STORED);
    let documents = numbers.map(|number| {
        let mut log = made.clone();
        let org = if number % 2 == 0 { 1 } else { 2 + (number / 2) % (TENANTS - 1) };
        let at = DateTime::from_millis(now - over * (STORED - number) / STORED);
        log.extend(doc! {
            "_id": ObjectId::new(), "orgId": org, "eventId": number.to_string(), "eventType": format!("event-{}", number % 10),
            "traceId": format!("{number:032x}"), "createdAt": at, "deliveredAt": at,
        });
        if number % 40 == 0 {
            log.extend(doc! { "status": "FAILED", "responseStatus": 500, "errorCategory": "SERVER_ERROR", "errorMessage": "answered 500" });
        }
        log
    });
    let batches = futures::stream::iter(documents).chunks(BATCH);
    let written = batches.map(|batch| {
        let logs = logs.clone();
        async move { logs.insert_many(batch).ordered(false).await }
    });
    written.buffer_unordered(2).try_for_each(async |_| Ok(())).await?;
    Ok(())
}

/// The median and the 99th percentile of single requests, in milliseconds.
async fn one_by_one(stack: &Stack, path: &str) -> anyhow::Result<(f64, f64)> {
    let mut times = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let began = Instant::now();
        stack.get(path).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentiles(times))
}

fn percentiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(f64::NAN);
    (at(50), at(99))
}

async fn at_once(stack: &Stack, path: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    let asked = (0..ASKED * 4).map(|_| stack.get(path));
    let answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
    answers.try_for_each(async |_| Ok(())).await?;
    Ok((ASKED * 4) as f64 / began.elapsed().as_secs_f64())
}

async fn changes(stack: &Stack, id: &str, report: &mut Report) -> anyhow::Result<()> {
    let mut times = Vec::with_capacity(CHANGES);
    let all = Instant::now();
    for number in 0..CHANGES {
        let began = Instant::now();
        let body = json!({"name": format!("Renamed {number}")});
        stack.patch(&format!("/outbound-integrations/{id}?orgId=1"), &body).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let rate = CHANGES as f64 / all.elapsed().as_secs_f64();
    let (p50, p99) = percentiles(times);
    report.add("changes of an integration, one by one", rate, "requests/s", "");
    report.add("  p50", p50, "ms", "");
    report.add("  p99", p99, "ms", "");
    Ok(())
}

async fn export(stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let before = stack.memory_mib();
    let began = Instant::now();
    let mut peak = before;
    let lines = stack
        .stream("/logs/export?orgId=1&format=ndjson", |part| {
            peak = peak.max(stack.memory_mib());
            part.split(|byte| *byte == b'\n').count() - 1
        })
        .await?;
    ensure!(i64::try_from(lines)? >= STORED / 2, "{lines} deliveries were exported");
    let seconds = began.elapsed().as_secs_f64();
    report.add(
        "export of half a million deliveries",
        lines as f64 / seconds,
        "deliveries/s",
        "",
    );
    report.add("  memory that it takes", peak - before, "MiB", "constant");
    Ok(())
}
