//! Redrives from start to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ig_core::dead_letter::{DeadLetter, DeadLetterStatus};
use ig_core::id::Rid;
use ig_proto::v1::{
    CancelRedriveRequest, DeliverRequest, GetRedriveRequest, Outcome, Redrive, RedriveState, StartRedriveRequest,
};
use ig_store::Store;
use ig_testkit::builders::integration_id;
use ig_testkit::eventually;
use ig_testkit::mongo::{self, TestDatabase};
use tonic::{Code, Status};

use crate::fakes::{FakeWorker, response};
use crate::fixture::{RunningRetrier, store};
use crate::letters::{get, given_up, record, status};

const ORG: i64 = 7;

async fn running(database: &TestDatabase, worker: &FakeWorker) -> (RunningRetrier, Store) {
    let (address, _) = worker.serve("127.0.0.1:0").await;
    let store = store(database).await;
    let running = RunningRetrier::start_with(database, |config| {
        config.services.delivery_worker = address.to_string();
    })
    .await;
    (running, store)
}

async fn start(running: &RunningRetrier) -> Redrive {
    let request = StartRedriveRequest {
        org_id: ORG,
        ..StartRedriveRequest::default()
    };
    running.client.clone().start_redrive(request).await.unwrap().into_inner()
}

async fn read(running: &RunningRetrier, id: &str) -> Redrive {
    let request = GetRedriveRequest {
        org_id: ORG,
        id: id.to_owned(),
    };
    running.client.clone().get_redrive(request).await.unwrap().into_inner()
}

async fn ended(running: &RunningRetrier, id: &str, state: RedriveState) -> Redrive {
    eventually("the redrive has ended and nothing waits", async || {
        let redrive = read(running, id).await;
        redrive.state() == state && redrive.waiting == 0
    })
    .await;
    read(running, id).await
}

/// Letters numbered from 1, in two lanes.
fn in_two_lanes(count: u64) -> impl Iterator<Item = DeadLetter> {
    (1..=count).map(|number| DeadLetter {
        entity_rid: Rid(if number % 2 == 0 { 71 } else { 72 }),
        ..given_up(ORG, number)
    })
}

fn numbers(orders: &[DeliverRequest], entity: i64) -> Vec<u64> {
    let of_lane = orders.iter().filter(|order| order.entity_rid == entity);
    of_lane.map(|order| order.event_id.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_retries_each_lane_in_order_and_reports_progress() {
    let worker = FakeWorker::with(|order| {
        let outcome = match order.event_id.as_str() {
            "3" => Outcome::Refused,
            "4" => Outcome::Skipped,
            _ => Outcome::Delivered,
        };
        Some(Ok(response(order, outcome)))
    });
    let database = mongo::database();
    let (running, store) = running(&database, &worker).await;
    record(&store, in_two_lanes(40)).await;
    let started = start(&running).await;
    assert_eq!(
        (started.state(), started.estimated, started.waiting),
        (RedriveState::Running, 40, 40)
    );
    let done = ended(&running, &started.id, RedriveState::Completed).await;
    assert_eq!((done.estimated, done.delivered, done.failed), (40, 39, 1));
    assert!(done.ended_at.is_some());
    let orders = worker.orders();
    assert_eq!(numbers(&orders, 71), (1..=20).map(|n| n * 2).collect::<Vec<_>>());
    assert_eq!(numbers(&orders, 72), (1..=20).map(|n| n * 2 - 1).collect::<Vec<_>>());
    assert_eq!(status(&store, ORG, 3).await, DeadLetterStatus::Abandoned);
    assert_eq!(status(&store, ORG, 4).await, DeadLetterStatus::Resolved);
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_waits_for_unavailable_workers_and_keeps_the_order() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let worker = FakeWorker::with(move |order| {
        if counted.fetch_add(1, Ordering::Relaxed) == 1 {
            return Some(Err(Status::unavailable("the worker is shutting down")));
        }
        Some(Ok(response(order, Outcome::Delivered)))
    });
    let database = mongo::database();
    let (running, store) = running(&database, &worker).await;
    record(&store, (1..=5).map(|number| given_up(ORG, number))).await;
    let started = start(&running).await;
    let done = ended(&running, &started.id, RedriveState::Completed).await;
    assert_eq!((done.delivered, done.failed), (5, 0));
    assert_eq!(numbers(&worker.orders(), ORG), [1, 2, 2, 3, 4, 5]);
    assert_eq!(get(&store, ORG, 2).await.retry_progress.retries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_that_is_cancelled_leaves_unprocessed_letters_as_they_were() {
    let worker = FakeWorker::with(|order| match order.event_id.as_str() {
        "1" => Some(Ok(response(order, Outcome::Delivered))),
        _ => Some(Ok(response(order, Outcome::Held))),
    });
    let database = mongo::database();
    let (running, store) = running(&database, &worker).await;
    record(&store, (1..=5).map(|number| given_up(ORG, number))).await;
    let started = start(&running).await;
    eventually("the second is held", async || worker.orders().len() == 2).await;
    let cancel = |org_id| CancelRedriveRequest {
        org_id,
        id: started.id.clone(),
    };
    let foreign = running.client.clone().cancel_redrive(cancel(8)).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let cancelled = running.client.clone().cancel_redrive(cancel(ORG)).await.unwrap().into_inner();
    assert_eq!(cancelled.state(), RedriveState::Cancelled);
    let done = ended(&running, &started.id, RedriveState::Cancelled).await;
    assert_eq!((done.delivered, done.failed), (1, 0));
    for number in 2..=5 {
        let kept = get(&store, ORG, number).await;
        assert_eq!((kept.letter.status, kept.redrive), (DeadLetterStatus::Abandoned, None));
        assert_eq!(kept.retry_progress.retries, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_skips_held_integrations_until_they_are_free() {
    let held = integration_id(1).to_string();
    let worker = FakeWorker::with(move |order| {
        let outcome = if order.integration_id == held {
            Outcome::Held
        } else {
            Outcome::Delivered
        };
        Some(Ok(response(order, outcome)))
    });
    let database = mongo::database();
    let (running, store) = running(&database, &worker).await;
    let lane_of_its_own = |number: u64| DeadLetter {
        entity_rid: Rid(i64::try_from(number).unwrap()),
        ..given_up(ORG, number)
    };
    let of_other = (21..=30).map(|number| {
        let mut letter = lane_of_its_own(number);
        letter.integration.id = integration_id(2);
        letter
    });
    record(&store, (1..=20).map(lane_of_its_own).chain(of_other)).await;
    let started = start(&running).await;
    eventually("the others are delivered", async || {
        let redrive = read(&running, &started.id).await;
        (redrive.delivered, redrive.waiting) == (10, 20)
    })
    .await;
    worker.reply_like(&FakeWorker::always(Outcome::Delivered));
    let done = ended(&running, &started.id, RedriveState::Completed).await;
    assert_eq!((done.delivered, done.failed), (30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_is_executed_by_one_retrier_and_taken_over_by_another() {
    let worker = FakeWorker::always(Outcome::Delivered);
    let database = mongo::database();
    let (first, store) = running(&database, &worker).await;
    let (address, _) = worker.serve("127.0.0.1:0").await;
    record(&store, (1..=200).map(|number| given_up(ORG, number))).await;
    let started = start(&first).await;
    eventually("it has started", async || worker.orders().len() > 5).await;
    let second = RunningRetrier::start_with(&database, |config| {
        config.services.delivery_worker = address.to_string();
    })
    .await;
    first.context.drain(crate::fixture::GRACE).await.unwrap();
    let done = ended(&second, &started.id, RedriveState::Completed).await;
    assert_eq!((done.estimated, done.delivered, done.failed), (200, 200, 0));
    let order = numbers(&worker.orders(), ORG);
    assert_eq!(order, (1..=200).collect::<Vec<_>>(), "each once, in order");
}
