//! Retries of dead letters.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::{DeadLetterState, RetryPolicy};
use ig_core::id::OrgId;
use ig_core::organization::Organization;
use ig_proto::v1::{DlqNudgeRequest, Outcome, RetryRequest};
use ig_store::{Expected, Store};
use ig_testkit::builders::{integration, integration_id, organization};
use ig_testkit::eventually;
use ig_testkit::mongo::{self, TestDatabase};
use tonic::Status;

use crate::fakes::{FakeAlerter, FakeWorker, response};
use crate::fixture::{GRACE, RunningRetrier, store};
use crate::letters::{due, get, given_up, id, record, status};

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

async fn retry(running: &RunningRetrier, org_id: i64, numbers: &[u64]) -> Vec<String> {
    let ids = numbers.iter().map(|number| id(*number).to_string()).collect();
    let granted = running.client.clone().retry(RetryRequest { org_id, ids }).await.unwrap();
    granted.into_inner().accepted
}

async fn nudge(running: &RunningRetrier) {
    running.client.clone().nudge(DlqNudgeRequest {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_retry_is_ordered_at_once_and_linked_to_its_log() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Delivered));
    let (running, store) = running(&database, &worker).await;
    record(&store, [given_up(ORG, 1), given_up(ORG, 2)]).await;
    assert_eq!(retry(&running, ORG, &[1]).await, [id(1).to_string()]);
    eventually("it is resolved", async || {
        status(&store, ORG, 1).await == DeadLetterStatus::Resolved
    })
    .await;
    let kept = get(&store, ORG, 1).await;
    assert_eq!(kept.retry_progress.state, DeadLetterState::Resolved { log: id(1) });
    let orders = worker.orders();
    assert_eq!((orders.len(), &orders[0].event_id), (1, &"1".to_owned()));
    assert_eq!(orders[0].message_id, kept.letter.message_id.to_string());
    assert_eq!(orders[0].payload.as_ref(), b"{}");
    assert!(!orders[0].claim_id.is_empty());
    assert!(retry(&running, 8, &[2]).await.is_empty(), "another tenant's");
    assert!(retry(&running, ORG, &[1]).await.is_empty(), "it is delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_is_retried_when_due_and_not_at_the_next_poll() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Delivered));
    let (running, store) = running(&database, &worker).await;
    let due_at = chrono::Utc::now() + chrono::TimeDelta::milliseconds(1_500);
    let later = DeadLetter {
        next_retry_at: Some(due_at),
        ..due(ORG, 1)
    };
    record(&store, [later]).await;
    nudge(&running).await;
    eventually("it is resolved", async || {
        status(&store, ORG, 1).await == DeadLetterStatus::Resolved
    })
    .await;
    assert!(chrono::Utc::now() >= due_at, "not before its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_is_retried_after_its_own_delay() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Retryable));
    let (address, _) = worker.serve("127.0.0.1:0").await;
    let store = store(&database).await;
    record(&store, [due(ORG, 1)]).await;
    let _running = RunningRetrier::start_with(&database, |config| {
        config.services.delivery_worker = address.to_string();
        config.dlq.base_ms = 200;
        config.dlq.max_ms = 400;
    })
    .await;
    // The poll interval is an hour.
    eventually("it is given up", async || {
        status(&store, ORG, 1).await == DeadLetterStatus::Abandoned
    })
    .await;
    assert_eq!(worker.orders().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_is_abandoned_after_three_failures_and_alerted_even_if_late() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Retryable));
    let (address, _) = worker.serve("127.0.0.1:0").await;
    let store = store(&database).await;
    let alerter_address = format!("127.0.0.1:{}", ig_testkit::free_port());
    record(&store, [due(ORG, 1), due(ORG, 2)]).await;
    let _running = RunningRetrier::start_with(&database, |config| {
        config.services.delivery_worker = address.to_string();
        config.services.alerter.clone_from(&alerter_address);
        config.dlq.poll_interval_seconds = 1;
        config.dlq.base_ms = 1;
        config.dlq.max_ms = 1;
    })
    .await;
    for number in [1, 2] {
        eventually("it is given up", async || {
            status(&store, ORG, number).await == DeadLetterStatus::Abandoned
        })
        .await;
        assert_eq!(get(&store, ORG, number).await.retry_progress.retries, 3);
    }
    assert_eq!(worker.orders().len(), 6);
    let alerter = FakeAlerter::default();
    let _serving = alerter.serve(&alerter_address).await;
    let key = integration_id(1).to_string();
    eventually("the alert is raised", async || !alerter.raised(&key).is_empty()).await;
    let alert = &alerter.raised(&key)[0];
    assert_eq!((alert.org_id, alert.kind.as_str()), (Some(ORG), "dead-letters-abandoned"));
    assert!(alert.message.contains("\"Orders\""), "{}", alert.message);
    eventually("nothing is owed", async || {
        store.dead_letters().pending_alerts(10).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_policy_of_an_organisation_applies_to_its_dead_letters() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Retryable));
    let (running, store) = running(&database, &worker).await;
    let patient = RetryPolicy::new(3_600_000, 3_600_000, 2).unwrap();
    let organization = Organization {
        retry_policy: Some(patient),
        ..organization(ORG)
    };
    let change = Change::PutOrganization(organization);
    store.configuration().commit(change, Expected::New).await.unwrap();
    record(&store, [due(ORG, 1)]).await;
    nudge(&running).await;
    eventually("it is due later", async || {
        get(&store, ORG, 1).await.retry_progress.retries == 1
    })
    .await;
    let kept = get(&store, ORG, 1).await;
    let later = chrono::Utc::now() + chrono::TimeDelta::minutes(40);
    assert!(
        matches!(kept.retry_progress.state, DeadLetterState::Pending { due_at } if due_at > later),
        "{kept:?}"
    );
    assert_eq!(kept.letter.max_retries, 2);
    assert_eq!(retry(&running, ORG, &[1]).await.len(), 1);
    eventually("it is given up", async || {
        status(&store, ORG, 1).await == DeadLetterStatus::Abandoned
    })
    .await;
    assert_eq!(worker.orders().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_is_abandoned_when_refused() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Refused));
    let (running, store) = running(&database, &worker).await;
    record(&store, [due(ORG, 1)]).await;
    nudge(&running).await;
    eventually("it is given up", async || {
        status(&store, ORG, 1).await == DeadLetterStatus::Abandoned
    })
    .await;
    assert_eq!(worker.orders().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_of_a_deleted_integration_is_abandoned_and_of_an_unknown_one_waits() {
    let worker = FakeWorker::with(|_| Some(Err(Status::not_found("no such integration"))));
    let database = mongo::database();
    let (running, store) = running(&database, &worker).await;
    let known = integration(8, "order", "https://a.example/hook");
    let commit = async |change| store.configuration().commit(change, Expected::New).await.unwrap();
    commit(Change::PutOrganization(organization(8))).await;
    let of_known = |number, action_index| {
        let mut letter = due(8, number);
        (letter.integration.id, letter.integration.action_index) = (known.id, action_index);
        letter
    };
    let letters = [due(ORG, 1), of_known(2, 0), of_known(3, 4)];
    commit(Change::PutIntegration(Arc::new(known))).await;
    record(&store, letters).await;
    nudge(&running).await;
    for (org, number, reason) in [
        (ORG, 1, "The integration was deleted."),
        (8, 3, "The integration does not have this action any more."),
    ] {
        eventually("it is given up", async || {
            status(&store, org, number).await == DeadLetterStatus::Abandoned
        })
        .await;
        let state = get(&store, org, number).await.retry_progress.state;
        assert_eq!(
            state,
            DeadLetterState::Abandoned {
                reason: reason.to_owned()
            }
        );
    }
    eventually("it waits", async || {
        status(&store, 8, 2).await == DeadLetterStatus::PendingRetry
    })
    .await;
    assert_eq!(get(&store, 8, 2).await.retry_progress.retries, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_delivery_stays_pending_and_counts_no_retry() {
    let (database, worker) = (mongo::database(), FakeWorker::always(Outcome::Held));
    let (running, store) = running(&database, &worker).await;
    let held = DeadLetter {
        reason: DeadLetterReason::CircuitOpen,
        category: None,
        next_retry_at: None,
        ..due(ORG, 2)
    };
    record(&store, [due(ORG, 1), held]).await;
    nudge(&running).await;
    eventually("it was ordered", async || worker.orders().len() == 1).await;
    eventually("it is pending", async || {
        status(&store, ORG, 1).await == DeadLetterStatus::PendingRetry
    })
    .await;
    let progress = get(&store, ORG, 1).await.retry_progress;
    assert_eq!(progress.retries, 0);
    assert!(!progress.is_due(chrono::Utc::now()));
    assert_eq!(
        get(&store, ORG, 2).await.retry_progress.state,
        DeadLetterState::Held,
        "no retry was requested"
    );

    worker.reply_like(&FakeWorker::always(Outcome::Delivered));
    assert_eq!(retry(&running, ORG, &[2]).await.len(), 1);
    eventually("it is resolved", async || {
        status(&store, ORG, 2).await == DeadLetterStatus::Resolved
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_of_the_workers_counts_no_retry() {
    let database = mongo::database();
    let address = format!("127.0.0.1:{}", ig_testkit::free_port());
    let store = store(&database).await;
    record(&store, (1..=5).map(|number| due(ORG, number))).await;
    let running = RunningRetrier::start_with(&database, |config| {
        config.services.delivery_worker.clone_from(&address);
    })
    .await;
    nudge(&running).await;
    eventually("it was tried in vain", async || {
        let kept = get(&store, ORG, 1).await;
        kept.updated_at > kept.letter.created_at
    })
    .await;
    let worker = FakeWorker::always(Outcome::Delivered);
    let _serving = worker.serve(&address).await;
    for number in 1..=5 {
        eventually("it is resolved", async || {
            status(&store, ORG, number).await == DeadLetterStatus::Resolved
        })
        .await;
        assert_eq!(get(&store, ORG, number).await.retry_progress.retries, 1);
    }
    let order: Vec<_> = worker.orders().into_iter().map(|order| order.event_id).collect();
    assert_eq!(order, ["1", "2", "3", "4", "5"], "a lane keeps its order");
}

/// The letter with another integration.
fn of_integration(letter: DeadLetter, number: u64) -> DeadLetter {
    let mut letter = letter;
    letter.integration.id = integration_id(number);
    letter
}

async fn resolved(store: &Store, org: i64) -> u64 {
    let figures = store.dead_letters().statistics(OrgId(org)).await.unwrap();
    figures.by_status.get("RESOLVED").copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn limiter_keeps_permits_for_others_when_a_target_hangs() {
    let hanging = integration_id(1).to_string();
    let worker =
        FakeWorker::with(move |order| (order.integration_id != hanging).then(|| Ok(response(order, Outcome::Delivered))));
    let database = mongo::database();
    let (running, store) = running(&database, &worker).await;
    record(&store, (1..=300).map(|number| due(ORG, number))).await;
    nudge(&running).await;
    eventually("the first hangs", async || !worker.orders().is_empty()).await;
    let of_other = (301..=420).map(|number| of_integration(due(8, number), 2));
    let of_same = (421..=480).map(|number| of_integration(due(ORG, number), 3));
    record(&store, of_other.chain(of_same)).await;
    nudge(&running).await;
    eventually("the others are delivered", async || {
        resolved(&store, 8).await == 120 && resolved(&store, ORG).await == 60
    })
    .await;
    let under_way = store.dead_letters().statistics(OrgId(ORG)).await.unwrap().by_status;
    assert_eq!(under_way.get("RETRYING"), Some(&25), "{under_way:?}");
    assert_eq!(under_way.get("PENDING_RETRY"), Some(&275), "{under_way:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_retries_in_flight_and_releases_the_rest() {
    let hangs = FakeWorker::with(|_| None);
    let database = mongo::database();
    let (running, store) = running(&database, &hangs).await;
    record(&store, (1..=3).map(|number| due(ORG, number))).await;
    nudge(&running).await;
    eventually("the first hangs", async || hangs.orders().len() == 1).await;
    let answering = async {
        running.context.stopping().cancelled().await;
        hangs.reply_like(&FakeWorker::always(Outcome::Delivered));
    };
    let (drained, ()) = tokio::join!(running.context.drain(GRACE), answering);
    assert_eq!(drained, Ok(()));
    assert_eq!(status(&store, ORG, 1).await, DeadLetterStatus::Resolved);
    for number in [2, 3] {
        assert_eq!(status(&store, ORG, number).await, DeadLetterStatus::PendingRetry);
    }
    assert_eq!(hangs.orders().len(), 1);
}
