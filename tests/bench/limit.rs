//! The precision of a rate limit.

use std::time::Duration;

use chrono::TimeDelta;
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Receiver;
use serde_json::json;

use crate::report::Report;
use crate::stack::Stack;
use crate::throughput::payload;

/// 1,000 events through a limit of 100 in 10 s, in eight lanes: the most requests in any span of 10 s, and the time of all.
pub(crate) async fn limited(report: &mut Report) -> anyhow::Result<()> {
    const EVENTS: i64 = 1_000;
    let (stack, receiver) = (Stack::start().await?, Receiver::start());
    stack.tenants(1).await?;
    let body = json!({
        "name": "limited", "eventType": "*", "targetUrl": receiver.url("/hook"),
        "rateLimits": {"maxRequests": 100, "windowSeconds": 10},
    });
    stack.post("/outbound-integrations?orgId=1", &body).await?;
    let rows = (0..EVENTS).map(|n| QueueRow::new(1, &format!("type-{}", n % 8)).json(&payload(n)));
    stack.queue.insert_many(rows).await;
    let before = std::time::Instant::now();
    while receiver.count() < u64::try_from(EVENTS)? {
        anyhow::ensure!(
            before.elapsed() < Duration::from_mins(5),
            "{} events after 5 minutes",
            receiver.count()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let at: Vec<_> = receiver.requests().iter().map(|request| request.at).collect();
    let window = TimeDelta::seconds(10);
    let most = (0..at.len()).map(|first| at[first..].iter().take_while(|at_| **at_ - at[first] < window).count());
    let took = before.elapsed().as_secs_f64();
    report.add(
        "limit of 100 in 10 s: most in any window",
        most.max().unwrap_or(0) as f64,
        "requests",
        "<= 105",
    );
    report.add("  1,000 events took", took, "s", ">= 90");
    Ok(())
}
