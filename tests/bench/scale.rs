//! The cost of a large configuration.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Receiver;

use crate::report::Report;
use crate::stack::Stack;
use crate::throughput::{INTEGRATIONS, TENANTS, event_type, payload, rate};
use crate::{RUNS, median};

const MANY_TENANTS: i64 = 10_000;
const EACH: i64 = 10;
const AT_ONCE: usize = 16;
const ROWS: i64 = 40_000;

/// Deliveries with 10,000 tenants of 10 integrations each configured; the events come from the same 20 tenants as elsewhere.
pub(crate) async fn many_tenants(report: &mut Report) -> anyhow::Result<()> {
    let receiver = Receiver::counting();
    let few = Stack::start().await?;
    configure(&few, TENANTS, INTEGRATIONS / TENANTS, &receiver).await?;
    let mut usual = Vec::new();
    for _ in 0..RUNS {
        usual.push(deliveries(&few, &receiver).await?);
    }
    drop(few);

    let mut many = Stack::start().await?;
    configure(&many, MANY_TENANTS, EACH, &receiver).await?;
    let (mut rates, mut ready) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ready.push(many.start_again().await?.as_secs_f64());
        rates.push(deliveries(&many, &receiver).await?);
    }
    let (usual, rate) = (median(usual), median(rates));
    report.add("20 tenants x 5 integrations configured", usual, "deliveries/s", "");
    report.add("10,000 tenants x 10 integrations configured", rate, "deliveries/s", "");
    report.add("  share of the usual rate", 100.0 * rate / usual, "%", ">= 90");
    report.add("  start to ready, the snapshot included", median(ready), "s", "< 5");
    report.add(
        "  memory, six services in one process",
        many.memory_mib(),
        "MiB",
        "< 1024 in the worker",
    );
    Ok(())
}

async fn configure(stack: &Stack, tenants: i64, each: i64, receiver: &Receiver) -> anyhow::Result<()> {
    stack.tenants(tenants).await?;
    let url = receiver.url("/hook");
    let all = (1..=tenants).flat_map(|org| (0..each).map(move |n| (org, event_type(n * TENANTS))));
    let made = futures::stream::iter(all).map(|(org, event_type)| {
        let url = &url;
        async move { stack.integration(org, &event_type, url).await }
    });
    made.buffer_unordered(AT_ONCE).try_collect().await
}

/// Events of the first 20 tenants, one match each. The rate counts from the first insertion, so the system rests before it.
async fn deliveries(stack: &Stack, receiver: &Receiver) -> anyhow::Result<f64> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rows = (0..ROWS).map(|n| QueueRow::new(n % TENANTS + 1, &event_type(n % INTEGRATIONS)).json(&payload(n)));
    rate(stack, receiver, rows, ROWS).await
}
