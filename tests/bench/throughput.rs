//! Deliveries per second.

use std::time::{Duration, Instant};

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Receiver;
use serde_json::{Value, json};

use crate::report::Report;
use crate::stack::Stack;
use crate::{RUNS, ceiling, median, scripts};

/// The number of tenants with events.
pub(crate) const TENANTS: i64 = 20;
/// The number of their integrations in all.
pub(crate) const INTEGRATIONS: i64 = 100;

/// A payload of about 1 KiB.
pub(crate) fn payload(n: i64) -> Value {
    json!({"n": n, "patient": {"name": " Ada Lovelace ", "code": "p-1"}, "notes": "x".repeat(950)})
}

/// The event type of an integration.
pub(crate) fn event_type(integration: i64) -> String {
    format!("event-{}", integration / TENANTS)
}

/// From rows to a receiver: 100 integrations of 20 tenants, one match per event, SIMPLE, FULL logs, 1 KiB.
pub(crate) async fn outbound(report: &mut Report) -> anyhow::Result<()> {
    const ROWS: i64 = 40_000;
    let receiver = Receiver::counting();
    let (mut rates, mut bare, mut composite) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let stack = Stack::start().await?;
        stack.tenants(TENANTS).await?;
        for n in 0..INTEGRATIONS {
            stack
                .integration(n % TENANTS + 1, &event_type(n), &receiver.url("/hook"))
                .await?;
        }
        let rows = (0..ROWS).map(|n| QueueRow::new(n % TENANTS + 1, &event_type(n % INTEGRATIONS)).json(&payload(n)));
        rates.push(rate(&stack, &receiver, rows, ROWS).await?);
        composite.push(ceiling::composite(&receiver, &stack.mongo).await?);
        drop(stack);
        bare.push(ceiling::bare(&receiver).await?);
    }
    let (rate, bare, composite) = (median(rates), median(bare), median(composite));
    report.add(
        "outbound MySQL -> receiver, SIMPLE, FULL, 1 KiB",
        rate,
        "deliveries/s",
        ">= 5000",
    );
    report.add("  ceiling: bare client", bare, "posts/s", "");
    report.add("  composite ceiling: bare client and bare driver", composite, "posts/s", "");
    report.add("  share of the composite ceiling", 100.0 * rate / composite, "%", ">= 50");
    Ok(())
}

/// The same with a script in place of the rules: the mapping of 1 KB.
pub(crate) async fn outbound_with_scripts(report: &mut Report) -> anyhow::Result<()> {
    const ROWS: i64 = 20_000;
    let (receiver, script, payload) = (Receiver::counting(), scripts::mapping()?, scripts::payload()?);
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let stack = Stack::start().await?;
        stack.tenants(TENANTS).await?;
        for n in 0..INTEGRATIONS {
            let url = receiver.url("/hook");
            stack.scripted(n % TENANTS + 1, &event_type(n), &url, &script).await?;
        }
        let rows = (0..ROWS).map(|n| QueueRow::new(n % TENANTS + 1, &event_type(n % INTEGRATIONS)).json(&payload));
        rates.push(rate(&stack, &receiver, rows, ROWS).await?);
    }
    report.add("outbound with SCRIPT, FULL, 1 KiB", median(rates), "deliveries/s", ">= 2000");
    Ok(())
}

/// Fan-out: one event to 100 integrations.
pub(crate) async fn fan_out(report: &mut Report) -> anyhow::Result<()> {
    const ROWS: i64 = 400;
    let receiver = Receiver::counting();
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let stack = Stack::start().await?;
        stack.tenants(1).await?;
        for _ in 0..INTEGRATIONS {
            stack.integration(1, "event", &receiver.url("/hook")).await?;
        }
        let rows = (0..ROWS).map(|n| QueueRow::new(1, "event").json(&payload(n)));
        rates.push(rate(&stack, &receiver, rows, ROWS * INTEGRATIONS).await?);
    }
    report.add(
        "fan-out, one event to 100 integrations",
        median(rates),
        "deliveries/s",
        ">= 10000",
    );
    Ok(())
}

/// Deliveries per second from the first row's insertion to the last receipt.
pub(crate) async fn rate(
    stack: &Stack,
    receiver: &Receiver,
    rows: impl IntoIterator<Item = QueueRow>,
    expected: i64,
) -> anyhow::Result<f64> {
    let before = receiver.count();
    let began = Instant::now();
    stack.queue.insert_many(rows).await;
    let expected = u64::try_from(expected)?;
    while receiver.count() - before < expected {
        anyhow::ensure!(
            began.elapsed() < Duration::from_mins(2),
            "{} of {expected} after two minutes",
            receiver.count() - before
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(expected as f64 / began.elapsed().as_secs_f64())
}
