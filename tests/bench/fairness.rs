//! Fairness: how much one tenant's trouble slows the others.

use std::time::{Duration, Instant};

use ig_testkit::mysql::{QueueRow, TestQueue};
use ig_testkit::receiver::{Answer, Receiver};

use crate::report::Report;
use crate::stack::Stack;
use crate::throughput::{INTEGRATIONS, TENANTS, event_type, payload, rate};
use crate::{RUNS, median, scripts};

/// One unresponsive target among 100: the rate of the other 99, as a share of their rate without that target's rows.
pub(crate) async fn dead_target(report: &mut Report) -> anyhow::Result<()> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        without.push(rate_of_the_living(false).await?);
        with.push(rate_of_the_living(true).await?);
    }
    let (without, with) = (median(without), median(with));
    report.add(
        "99 living targets of 100, without rows for the dead one",
        without,
        "deliveries/s",
        "",
    );
    report.add(
        "99 living targets of 100, with rows for the dead one",
        with,
        "deliveries/s",
        "",
    );
    report.add("  share that the living keep", 100.0 * with / without, "%", ">= 95");
    Ok(())
}

/// Ten tenants with endless scripts beside twenty with mapping scripts: the rate of the twenty, as a share of their rate without the ten.
pub(crate) async fn among_hostile_scripts(report: &mut Report) -> anyhow::Result<()> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        without.push(rate_beside_hostile(0).await?);
        with.push(rate_beside_hostile(HOSTILE).await?);
    }
    let (without, with) = (median(without), median(with));
    report.add("20 tenants' scripts alone", without, "deliveries/s", "");
    report.add("20 tenants' scripts beside 10 endless loops", with, "deliveries/s", "");
    report.add("  share that they keep", 100.0 * with / without, "%", "");
    Ok(())
}

const HOSTILE: i64 = 10;

async fn rate_beside_hostile(hostile: i64) -> anyhow::Result<f64> {
    const ROWS: i64 = 20_000;
    let (stack, receiver) = (Stack::start().await?, Receiver::counting());
    let (script, payload) = (scripts::mapping()?, scripts::payload()?);
    stack.tenants(TENANTS + hostile).await?;
    let url = receiver.url("/hook");
    for n in 0..INTEGRATIONS {
        stack.scripted(n % TENANTS + 1, &event_type(n), &url, &script).await?;
    }
    for n in 0..hostile {
        stack.scripted(TENANTS + n + 1, "loop", &url, "while (true) {}").await?;
    }
    // One row of each hostile tenant for every hundred rows of the others.
    let rows = (0..ROWS).flat_map(|n| {
        let mapped = QueueRow::new(n % TENANTS + 1, &event_type(n % INTEGRATIONS)).json(&payload);
        let looped = (hostile > 0 && n % 100 < hostile).then(|| QueueRow::new(TENANTS + n % 100 + 1, "loop").json(&payload));
        std::iter::once(mapped).chain(looped)
    });
    rate(&stack, &receiver, rows, ROWS).await
}

async fn rate_of_the_living(with_dead: bool) -> anyhow::Result<f64> {
    const ROWS: i64 = 40_000;
    let (stack, living, dead) = (Stack::start().await?, Receiver::counting(), Receiver::counting());
    dead.otherwise(Answer::hang());
    stack.tenants(TENANTS).await?;
    for n in 0..INTEGRATIONS {
        let receiver = if n == 0 { &dead } else { &living };
        stack
            .integration(n % TENANTS + 1, &event_type(n), &receiver.url("/hook"))
            .await?;
    }
    let numbers = (0..ROWS).filter(|n| with_dead || n % INTEGRATIONS > 0);
    let rows = numbers.map(|n| QueueRow::new(n % TENANTS + 1, &event_type(n % INTEGRATIONS)).json(&payload(n)));
    rate(&stack, &living, rows, ROWS - ROWS / INTEGRATIONS).await
}

/// The first event of a tenant right behind a million rows of another that became visible at once: the time from its commit to its
/// receipt, and that of later events during the backlog.
pub(crate) async fn behind_a_million(report: &mut Report) -> anyhow::Result<()> {
    const LATER: usize = 20;
    let (mut first, mut later, mut memory, mut scans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (mut stack, hog, other) = (Stack::start().await?, Receiver::counting(), Receiver::start());
        stack.tenants(2).await?;
        stack.integration(1, "event", &hog.url("/hook")).await?;
        stack.integration(2, "event", &other.url("/hook")).await?;
        insert_a_million(&stack.queue).await;
        first.push(one_event(&stack, &other).await?);
        for _ in 0..LATER {
            tokio::time::sleep(Duration::from_millis(200)).await;
            later.push(one_event(&stack, &other).await?);
        }
        memory.push(stack.memory_mib());
        anyhow::ensure!(hog.count() < 1_000_000, "the backlog is gone already");
        stack.stop();
        let began = Instant::now();
        stack.queue.execute("SELECT COUNT(*) FROM notification_queue").await;
        scans.push(began.elapsed().as_secs_f64());
    }
    report.add(
        "first event behind a million rows of another tenant",
        median(first),
        "s",
        "<= 1",
    );
    report.add(
        "  the server's own COUNT(*) of them, with nothing else running",
        median(scans),
        "s",
        "",
    );
    report.add("  later events while the million waits", median(later), "s", "<= 1");
    report.add("  memory meanwhile, six services in one process", median(memory), "MiB", "");
    Ok(())
}

async fn one_event(stack: &Stack, other: &Receiver) -> anyhow::Result<f64> {
    let before = other.count();
    stack.queue.insert(QueueRow::new(2, "event").json(&payload(0))).await;
    let committed = Instant::now();
    while other.count() == before {
        anyhow::ensure!(
            committed.elapsed() < Duration::from_mins(2),
            "not received within two minutes"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(committed.elapsed().as_secs_f64())
}

/// Inserts a million rows of 1 KiB in one statement.
async fn insert_a_million(queue: &TestQueue) {
    queue.execute("CREATE TABLE thousand (n INT PRIMARY KEY)").await;
    let numbers: Vec<_> = (0..1_000).map(|n| format!("({n})")).collect();
    queue
        .execute(&format!("INSERT INTO thousand VALUES {}", numbers.join(", ")))
        .await;
    queue
        .execute(&format!(
            "INSERT INTO notification_queue (event_type, payload, entity_rid, entity_parent_rid)
             SELECT 'event', '{}', 1, 1 FROM thousand a CROSS JOIN thousand b",
            payload(0)
        ))
        .await;
}
