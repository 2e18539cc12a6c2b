//! One tenant's slow targets and backlogs do not delay another tenant.

use std::collections::HashSet;

use ig_core::id::OrgId;
use ig_core::stream::Stream;
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::setup::{ORG, setup};

const OTHER_ORG: i64 = 649;

#[tokio::test(flavor = "multi_thread")]
async fn dead_target_delays_no_other_target() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/dead", Answer::hang());
    api.integration(ORG, "lab", &setup.receiver.url("/dead"), json!({})).await;
    api.integration(ORG, "lab", &setup.receiver.url("/alive"), json!({})).await;
    setup
        .queue
        .insert_many((0..200).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n}))))
        .await;
    eventually("the living target has everything", async || {
        setup.receiver.requests_to("/alive").len() == 200
    })
    .await;
    let order: Vec<_> = setup
        .receiver
        .requests_to("/alive")
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    assert!(order.is_sorted(), "in order");
    assert_eq!(setup.receiver.requests_to("/dead").len(), 1, "its lane waits for the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_other_tenants_overtake_a_backlog_that_stays_in_order() {
    // Six times the capacity of the payload memory.
    const BACKLOG: i64 = 1_500;
    let filling = "x".repeat(4 << 10);
    let setup = crate::setup::setup_with(&[("IG__WORKER__PAYLOAD_MEMORY_MIB", "1")]).await;
    let api = &setup.stack.api;
    api.org(OTHER_ORG).await;
    setup
        .receiver
        .always("/slow", Answer::status(200).after(std::time::Duration::from_millis(2)));
    api.integration(ORG, "lab", &setup.receiver.url("/slow"), json!({})).await;
    api.integration(OTHER_ORG, "lab", &setup.receiver.url("/quick"), json!({}))
        .await;
    setup
        .queue
        .insert_many((0..BACKLOG).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n, "filling": filling}))))
        .await;
    setup.queue.insert(QueueRow::new(OTHER_ORG, "lab")).await;
    setup
        .receiver
        .wait_until("the other tenant's event", |requests| {
            requests.iter().any(|request| request.path == "/quick")
        })
        .await;
    let before = setup.receiver.requests_to("/slow").len();
    assert!(before < BACKLOG as usize, "it passed a backlog that was not done: {before}");
    eventually("the backlog is done", async || {
        setup.receiver.requests_to("/slow").len() == BACKLOG as usize
    })
    .await;
    let order: Vec<_> = setup
        .receiver
        .requests_to("/slow")
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    assert_eq!(order, (0..BACKLOG).collect::<Vec<_>>(), "each once, in order");
}

/// An organisation in the same partition as [`ORG`], and one in another partition.
fn neighbours() -> [i64; 2] {
    let partition = |org| Stream::new(Some(OrgId(org)), "lab").partition();
    let find = |same: bool| (ORG + 1..ORG + 10_000).find(|org| (partition(*org) == partition(ORG)) == same);
    [find(true), find(false)].map(|org| org.expect("there are few partitions"))
}

#[tokio::test(flavor = "multi_thread")]
async fn first_event_after_a_deep_backlog_overtakes_it_also_after_a_restart() {
    const BACKLOG: u64 = 30_000;
    // Less capacity in flight than the backlog needs, however slow the other processes are.
    let little = [("IG__WORKER__MAX_EVENTS_IN_FLIGHT", "10000")];
    let mut setup = crate::setup::setup_with(&little).await;
    let api = &setup.stack.api;
    setup.receiver.always("/stuck", Answer::hang());
    let patient = json!({"timeoutMs": 120_000});
    api.integration(ORG, "lab", &setup.receiver.url("/stuck"), patient).await;
    for org in neighbours() {
        api.org(org).await;
        api.integration(org, "lab", &setup.receiver.url(&format!("/{org}")), json!({}))
            .await;
    }
    let of = |org: i64, n: u64| QueueRow::new(org, "lab").json(&json!({"n": n}));
    let backlog = (0..BACKLOG).map(|n| of(ORG, n));
    let behind = neighbours().map(|org| of(org, 0));
    setup.queue.insert_many(backlog.chain(behind)).await;
    let last_is = async |setup: &crate::setup::Setup, n: u64| {
        for org in neighbours() {
            eventually("the others' events", async || {
                let last = setup.receiver.requests_to(&format!("/{org}")).pop();
                last.is_some_and(|request| request.json()["n"] == n)
            })
            .await;
        }
    };
    last_is(&setup, 0).await;
    let audited = setup.stack.api.get(&format!("/events?orgId={ORG}&limit=1")).await["total"]
        .as_u64()
        .unwrap();
    assert!(audited < BACKLOG / 2, "the backlog was passed, not taken up: {audited}");

    setup.worker.kill();
    setup.worker = setup.stack.worker_with(&setup.queue, &little).await;
    setup.queue.insert_many(neighbours().map(|org| of(org, 1))).await;
    last_is(&setup, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_deep_backlogs_and_late_rows_are_delivered_once_and_in_order() {
    const EACH: i64 = 4_000;
    let setup = setup().await;
    let api = &setup.stack.api;
    let orgs = [ORG].into_iter().chain(neighbours()).collect::<Vec<_>>();
    for org in &orgs[1..] {
        api.org(*org).await;
    }
    for org in &orgs {
        let unordered = json!({"ordering": "UNORDERED", "maxConcurrency": 16});
        api.integration(*org, "lab", &setup.receiver.url(&format!("/{org}")), json!({}))
            .await;
        api.integration(*org, "bulk", &setup.receiver.url(&format!("/bulk/{org}")), unordered)
            .await;
    }
    let mut late = setup.queue.begin().await;
    for org in &orgs {
        late.insert(QueueRow::new(*org, "lab").json(&json!({"n": -1}))).await;
    }
    let rows = (0..EACH).flat_map(|n| {
        let kinds = orgs.iter().flat_map(move |org| ["lab", "bulk"].map(|kind| (*org, kind)));
        kinds.map(move |(org, kind)| {
            let row = QueueRow::new(org, kind).json(&json!({"n": n}));
            // Some rows have no parent organisation; they keep their order all the same.
            row.parent((n % 7 > 0).then_some(org))
        })
    });
    setup.queue.insert_many(rows.collect::<Vec<_>>()).await;
    setup.receiver.wait_for(100).await;
    late.commit().await;
    let expected = orgs.len() as u64 * (2 * EACH as u64 + 1);
    ig_testkit::wait::eventually_within(std::time::Duration::from_mins(3), "everything", async || {
        setup.receiver.count() >= expected
    })
    .await;
    assert_eq!(setup.receiver.count(), expected, "each once");
    for org in &orgs {
        let numbers = |path: String| {
            let requests = setup.receiver.requests_to(&path);
            let numbers = requests.iter().map(|request| request.json()["n"].as_i64().unwrap());
            numbers.collect::<Vec<_>>()
        };
        let lab: Vec<_> = numbers(format!("/{org}")).into_iter().filter(|n| *n >= 0).collect();
        assert_eq!(lab, (0..EACH).collect::<Vec<_>>(), "in order");
        let bulk: HashSet<_> = numbers(format!("/bulk/{org}")).into_iter().collect();
        assert_eq!(bulk.len(), EACH as usize);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_waiting_for_dead_targets_are_bounded_and_others_continue() {
    const INTEGRATIONS: usize = 40;
    const ROWS: usize = 10_000;
    const MOST: usize = 100_000;
    let most = MOST.to_string();
    let setup = crate::setup::setup_with(&[("IG__WORKER__MAX_EVENTS_IN_FLIGHT", &most)]).await;
    let api = &setup.stack.api;
    api.org(OTHER_ORG).await;
    setup.receiver.always("/dead", Answer::hang());
    for _ in 0..INTEGRATIONS {
        api.integration(ORG, "lab", &setup.receiver.url("/dead"), json!({})).await;
    }
    api.integration(OTHER_ORG, "lab", &setup.receiver.url("/quick"), json!({}))
        .await;
    setup
        .queue
        .insert_many((0..ROWS).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n}))))
        .await;
    setup.queue.insert(QueueRow::new(OTHER_ORG, "lab")).await;
    setup
        .receiver
        .wait_until("the other tenant's event", |requests| {
            requests.iter().any(|request| request.path == "/quick")
        })
        .await;
    let metrics = setup.worker.metrics().await;
    let line = metrics.lines().find(|line| line.starts_with("ig_events_in_flight "));
    let under_way: f64 = line.and_then(|line| line.rsplit(' ').next()).unwrap().parse().unwrap();
    // The worker reads one batch before it knows how many deliveries that makes.
    let bound = MOST + 1_000 * INTEGRATIONS;
    assert!(under_way <= bound as f64, "{under_way} of {}", ROWS * INTEGRATIONS);
}
