//! The latency of a tenant beside hostile or huge neighbours: its rows come at an even pace, alone and beside each neighbour.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::{Answer, Receiver};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::report::Report;
use crate::stack::Stack;
use crate::throughput::payload;
use crate::{RUNS, latency, median};

/// The tenant whose latency is measured.
const QUIET: i64 = 1;
/// The hostile tenant.
const HOSTILE: i64 = 2;
const ROWS: i64 = 1_000;
const PACE: Duration = Duration::from_millis(10);
/// How long a neighbour runs before the measurement starts.
const BEGUN: Duration = Duration::from_secs(2);

/// A row that is not received this long after the last one counts as received then.
const PATIENCE: Duration = Duration::from_secs(30);

/// The behaviour of a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    /// Nothing.
    None,
    /// Inserts a thousand rows a second whose ids leave gaps of two.
    Holes,
    /// Renames integrations of 200 KiB without a pause.
    Configuration,
    /// Sends payloads to a schema that is slow to validate.
    Schemas,
    /// Runs endless scripts, in deliveries and in previews.
    Scripts,
    /// Calls a target that never answers, and opens silent connections.
    Calls,
}

/// The 99th percentile of the time from a row's commit to its receipt, beside each neighbour.
pub(crate) async fn neighbours(report: &mut Report) -> anyhow::Result<()> {
    let quiet = beside(Neighbour::None).await?;
    report.add("row to request of a tenant alone, 100 events/s, p99", quiet, "ms", "");
    for (neighbour, what) in [
        (Neighbour::Holes, "holes"),
        (Neighbour::Configuration, "configuration"),
        (Neighbour::Schemas, "schemas"),
        (Neighbour::Scripts, "scripts"),
        (Neighbour::Calls, "calls that hang"),
    ] {
        let p99 = beside(neighbour).await?;
        report.add(format!("  beside {what}, p99"), p99, "ms", "");
        report.add(format!("  beside {what}, of its quiet value"), p99 / quiet, "times", "<= 2");
    }
    Ok(())
}

async fn beside(neighbour: Neighbour) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(once(neighbour).await?);
    }
    Ok(median(times))
}

async fn once(neighbour: Neighbour) -> anyhow::Result<f64> {
    let (stack, receiver) = (Arc::new(Stack::start().await?), Receiver::start());
    stack.tenants(HOSTILE).await?;
    stack.integration(QUIET, "event", &receiver.url("/hook")).await?;
    let target = Receiver::counting();
    target.always("/hangs", Answer::hang());
    let mut at_work = begin(neighbour, &stack, &target).await?;
    tokio::time::sleep(BEGUN).await;
    let mut sent = HashMap::new();
    let mut pace = tokio::time::interval(PACE);
    for n in 0..ROWS {
        pace.tick().await;
        stack.queue.insert(QueueRow::new(QUIET, "event").json(&payload(n))).await;
        sent.insert(n, Utc::now());
    }
    let given_up = Instant::now() + PATIENCE;
    while receiver.count() < sent.len() as u64 && Instant::now() < given_up {
        tokio::time::sleep(PACE).await;
    }
    let (_, p99) = latency::taken(&receiver.requests(), &sent, Utc::now());
    at_work.shutdown().await;
    Ok(p99)
}

async fn begin(neighbour: Neighbour, stack: &Arc<Stack>, target: &Receiver) -> anyhow::Result<JoinSet<()>> {
    let mut at_work = JoinSet::new();
    match neighbour {
        Neighbour::None => {}
        Neighbour::Holes => {
            stack.integration(HOSTILE, "hog", &target.url("/taken")).await?;
            stack.queue.execute("CREATE TABLE hundred (n INT PRIMARY KEY)").await;
            let numbers: Vec<_> = (0..100).map(|n| format!("({n})")).collect();
            let fill = format!("INSERT INTO hundred VALUES {}", numbers.join(", "));
            stack.queue.execute(&fill).await;
            let stack = Arc::clone(stack);
            at_work.spawn(async move {
                for thousand in 1..i64::MAX {
                    let insert = format!(
                        "INSERT INTO notification_queue (id, event_type, payload, entity_rid, entity_parent_rid)
                         SELECT (SELECT MAX(id) FROM notification_queue) + 3 * (a.n + 100 * b.n + 1), 'hog', '{}', {HOSTILE}, {HOSTILE}
                         FROM hundred a CROSS JOIN hundred b WHERE b.n < 10",
                        payload(thousand)
                    );
                    stack.queue.execute(&insert).await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
        }
        Neighbour::Configuration => {
            let statics = json!([{"key": "filler", "value": "x".repeat(200 * 1024)}]);
            for n in 0..10 {
                let body = json!({"name": format!("huge {n}"), "eventType": "hog", "targetUrl": target.url("/taken"), "staticFields": statics});
                let made = stack.post(&format!("/outbound-integrations?orgId={HOSTILE}"), &body).await?;
                let path = format!(
                    "/outbound-integrations/{}?orgId={HOSTILE}",
                    made["id"].as_str().unwrap_or_default()
                );
                let stack = Arc::clone(stack);
                at_work.spawn(async move {
                    for name in 0..u64::MAX {
                        let _ = stack.patch(&path, &json!({"name": format!("huge {n}, {name}")})).await;
                    }
                });
            }
        }
        Neighbour::Schemas => {
            let item = json!({"type": "object", "properties": {"code": {"type": "string", "pattern": "^(A|B|C|D)+E$"}}, "required": ["code"]});
            let schema =
                json!({"type": "object", "properties": {"items": {"type": "array", "items": {"anyOf": vec![item; 40]}}}});
            let body = json!({"schema": schema, "validation": "reject"});
            stack.put(&format!("/field-schemas/hog?orgId={HOSTILE}"), &body).await?;
            stack.integration(HOSTILE, "hog", &target.url("/taken")).await?;
            let items = vec![json!({"code": "ABCDABCDABCDABCDABCDABCDF"}); 2_000];
            at_work.spawn(rows(Arc::clone(stack), json!({"items": items})));
        }
        Neighbour::Scripts => {
            let script = "while (true) {}";
            stack.scripted(HOSTILE, "hog", &target.url("/taken"), script).await?;
            at_work.spawn(rows(Arc::clone(stack), payload(0)));
            for _ in 0..10 {
                let stack = Arc::clone(stack);
                at_work.spawn(async move {
                    let draft = json!({
                        "name": "loop", "eventType": "hog", "targetUrl": "https://example.org",
                        "transformationMode": "SCRIPT", "transformScript": script,
                    });
                    let body = json!({"integration": draft, "payload": {}});
                    loop {
                        let preview = format!("/outbound-integrations/preview?orgId={HOSTILE}");
                        if stack.post(&preview, &body).await.is_err() {
                            tokio::time::sleep(PACE).await;
                        }
                    }
                });
            }
        }
        Neighbour::Calls => {
            let body = json!({"type": "hangs", "name": "hangs", "targetUrl": target.url("/hangs"), "maxConcurrency": 1_000});
            stack.post(&format!("/inbound-integrations?orgId={HOSTILE}"), &body).await?;
            for _ in 0..500 {
                let stack = Arc::clone(stack);
                at_work.spawn(async move {
                    loop {
                        let call = format!("/integrations/hangs?orgId={HOSTILE}");
                        if stack.post(&call, &json!({})).await.is_err() {
                            tokio::time::sleep(PACE).await;
                        }
                    }
                });
            }
            for _ in 0..500 {
                let address = stack.address();
                at_work.spawn(async move {
                    let silent = TcpStream::connect(address).await;
                    std::future::pending::<()>().await;
                    drop(silent);
                });
            }
        }
    }
    Ok(at_work)
}

/// Inserts twenty rows a second for the hostile tenant.
async fn rows(stack: Arc<Stack>, payload: Value) {
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    loop {
        pace.tick().await;
        stack.queue.insert(QueueRow::new(HOSTILE, "hog").json(&payload)).await;
    }
}
