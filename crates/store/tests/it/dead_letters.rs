//! Retries of dead letters: claims, outcomes, and what people do.

use std::collections::BTreeMap;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::{
    CLAIM_LEASE, ClaimId, DeadLetterState, DueDeadLetter, ManualRetry, RetryPolicy, RetryProgress, RetryResult,
};
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus};
use ig_core::id::{LogId, OrgId};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::{Journal as _, JournalEntry};
use ig_store::{Deletion, RetryUpdate, SettleOutcome, Store, StoredDeadLetter};

use crate::deliveries::{dead_letter, delivery, failure, recorded, trace};
use crate::stored::{Stored, moment};

mod ends;

/// When the dead letters of these tests are due.
const DUE: i64 = 60;

fn claim(number: u32) -> ClaimId {
    ClaimId(format!("claim-{number}"))
}

/// Records a failed delivery for each of the numbers.
pub(crate) async fn fail(store: &Store, org: i64, numbers: impl IntoIterator<Item = i64>) -> Vec<LogId> {
    let logs: Vec<_> = numbers.into_iter().map(|number| failure(org, number)).collect();
    let entries: Vec<_> = logs.iter().cloned().map(recorded).collect();
    store.journal().record(&entries).await.unwrap();
    logs.iter().map(|log| log.id).collect()
}

/// Records a delivery that was never attempted: the breaker was open.
async fn hold(store: &Store, org: i64, number: i64) -> LogId {
    let log = failure(org, number);
    let letter = DeadLetter {
        reason: DeadLetterReason::CircuitOpen,
        category: None,
        next_retry_at: None,
        attempt_count: 0,
        ..dead_letter(&log)
    };
    record(store, &log, letter).await;
    log.id
}

/// Records a delivery with its dead letter.
async fn record(store: &Store, log: &DeliveryLog, letter: DeadLetter) {
    let entry = JournalEntry::Delivery {
        log: Box::new(log.clone()),
        trace: trace(),
        dead_letter: Some(Box::new(letter)),
    };
    store.journal().record(&[entry]).await.unwrap();
}

async fn candidates(store: &Store, org: i64, now: Timestamp) -> Vec<DueDeadLetter> {
    let due = store.dead_letters().longest_due(OrgId(org), now, &[], 100).await.unwrap();
    due.into_iter().map(|(candidate, _)| candidate).collect()
}

/// Claims all due dead letters of an organisation.
async fn claim_all(store: &Store, org: i64, by: &ClaimId, now: Timestamp) -> Vec<StoredDeadLetter> {
    let due = candidates(store, org, now).await;
    store.dead_letters().claim_due(&due, by, now).await.unwrap()
}

async fn get(store: &Store, org: i64, id: LogId) -> StoredDeadLetter {
    store
        .dead_letters()
        .get(OrgId(org), id)
        .await
        .unwrap()
        .expect("a dead letter")
}

async fn settle(store: &Store, letter: &StoredDeadLetter, by: &ClaimId, retried: RetryResult, now: Timestamp) -> SettleOutcome {
    let failure = match &retried {
        RetryResult::Failed(failure) => Some(failure.clone()),
        _ => None,
    };
    let policy = RetryPolicy::default();
    let settlement = letter
        .retry_progress
        .settled(by, retried, &policy, now, &mut rand::rng())
        .unwrap();
    let update = RetryUpdate {
        letter,
        claim: by,
        settlement: &settlement,
        max_retries: policy.max_retries(),
        failure: failure.as_ref(),
    };
    store.dead_letters().settle(update, now).await.unwrap()
}

fn failed(category: ErrorCategory) -> RetryResult {
    RetryResult::Failed(Failure::new(category, "it answered 500 again"))
}

#[tokio::test]
async fn due_dead_letters_are_counted_by_tenant_without_held_ones() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let first = fail(&store, 7, 0..3).await;
    fail(&store, 8, 0..1).await;
    hold(&store, 7, 9).await;
    let letters = store.dead_letters();
    assert_eq!(letters.due(moment(DUE - 1), &[]).await.unwrap(), BTreeMap::new());
    let due = BTreeMap::from([(OrgId(7), 3), (OrgId(8), 1)]);
    assert_eq!(letters.due(moment(DUE), &[]).await.unwrap(), due);
    let busy = [ig_testkit::builders::integration_id(1)];
    assert_eq!(letters.due(moment(DUE), &busy).await.unwrap(), BTreeMap::new());
    assert_eq!(letters.longest_due(OrgId(7), moment(DUE), &busy, 9).await.unwrap(), []);
    let of_one: Vec<_> = candidates(&store, 7, moment(DUE)).await.iter().map(|due| due.id).collect();
    let mut expected = first;
    expected.sort();
    assert_eq!(of_one, expected);
}

#[tokio::test]
async fn dead_letter_is_claimed_by_one_of_many_and_free_after_its_lease() {
    let stored = Stored::fresh().await;
    let (store, other) = (&stored.store, stored.another().await);
    fail(store, 7, 0..40).await;
    let due = candidates(store, 7, moment(DUE)).await;
    let (one, two) = (claim(1), claim(2));
    let (mine, yours) = (store.dead_letters(), other.dead_letters());
    let (mine, yours) = tokio::join!(
        mine.claim_due(&due, &one, moment(DUE)),
        yours.claim_due(&due, &two, moment(DUE))
    );
    assert_eq!(mine.unwrap().len() + yours.unwrap().len(), 40);
    assert!(candidates(store, 7, moment(DUE)).await.is_empty());

    let later = moment(DUE) + CLAIM_LEASE;
    let taken_over = claim_all(store, 7, &claim(3), later).await;
    assert_eq!(taken_over.len(), 40);
    assert!(taken_over.iter().all(|kept| kept.retry_progress.retries == 0));
    let ids: Vec<_> = taken_over.iter().map(|kept| kept.letter.id).collect();
    other
        .dead_letters()
        .renew(&ids, &claim(2), later + CLAIM_LEASE)
        .await
        .unwrap();
    let again = claim_all(store, 7, &claim(4), later + CLAIM_LEASE).await;
    assert_eq!(again.len(), 40, "an earlier holder renews nothing");
    store
        .dead_letters()
        .renew(&ids, &claim(4), later + CLAIM_LEASE)
        .await
        .unwrap();
    assert!(
        candidates(store, 7, later + CLAIM_LEASE * 2 - Duration::from_secs(1))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn dead_letter_delivered_is_linked_to_its_log_and_an_earlier_holder_is_refused() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let id = fail(&store, 7, [1]).await[0];
    let frozen = claim_all(&store, 7, &claim(1), moment(DUE)).await.remove(0);
    assert!(store.dead_letters().is_claimed_by(OrgId(7), id, &claim(1)).await.unwrap());
    let later = moment(DUE) + CLAIM_LEASE;
    let held = claim_all(&store, 7, &claim(2), later).await.remove(0);
    assert!(!store.dead_letters().is_claimed_by(OrgId(7), id, &claim(1)).await.unwrap());
    let delivered = || RetryResult::Delivered { log: id };
    assert_eq!(
        settle(&store, &frozen, &claim(1), delivered(), later).await,
        SettleOutcome::ClaimLost
    );
    assert_eq!(
        settle(&store, &held, &claim(2), delivered(), later).await,
        SettleOutcome::Stored
    );
    let kept = get(&store, 7, id).await;
    assert_eq!(
        (
            kept.retry_progress,
            kept.letter.status,
            kept.letter.attempt_count,
            kept.updated_at
        ),
        (
            RetryProgress {
                state: DeadLetterState::Resolved { log: id },
                retries: 1,
                manual: false
            },
            DeadLetterStatus::Resolved,
            4,
            later
        )
    );
}

#[tokio::test]
async fn dead_letter_that_failed_too_often_is_given_up_with_its_log_and_owes_an_alert() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let id = fail(&store, 7, [1]).await[0];
    let mut now = moment(DUE);
    for retry in 1..=3 {
        let held = claim_all(&store, 7, &claim(retry), now).await.remove(0);
        assert!(store.dead_letters().pending_alerts(10).await.unwrap().is_empty());
        settle(&store, &held, &claim(retry), failed(ErrorCategory::ServerError), now).await;
        now += Duration::from_secs(10);
    }
    let kept = get(&store, 7, id).await;
    assert_eq!(
        (kept.letter.status, kept.retry_progress.retries),
        (DeadLetterStatus::Abandoned, 3)
    );
    assert_eq!(kept.letter.last_error, "it answered 500 again");
    let log = store.delivery_logs().get(OrgId(7), id).await.unwrap().unwrap();
    let trace = store.execution_logs().get(OrgId(7), id).await.unwrap().unwrap();
    assert_eq!(
        (log.status, trace.delivery.status),
        (DeliveryStatus::Abandoned, DeliveryStatus::Abandoned)
    );

    let owed = store.dead_letters().pending_alerts(10).await.unwrap();
    assert_eq!((owed.len(), owed[0].id, owed[0].org_id), (1, id, OrgId(7)));
    assert!(owed[0].reason.contains("3 times"), "{}", owed[0].reason);
    store.dead_letters().mark_alerted(&[id]).await.unwrap();
    assert!(store.dead_letters().pending_alerts(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn manual_retry_covers_own_dead_letters_that_are_not_under_way() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, 0..2).await;
    let (held, foreign) = (hold(&store, 7, 9).await, fail(&store, 8, [0]).await[0]);
    let under_way = claim_all(&store, 7, &claim(1), moment(DUE)).await;
    settle(
        &store,
        &under_way[0],
        &claim(1),
        failed(ErrorCategory::ClientError),
        moment(DUE),
    )
    .await;
    let wish = ManualRetry {
        org_id: OrgId(7),
        ids: vec![ids[0], ids[1], held, foreign, LogId([0xff; 12])],
    };
    let granted = store.dead_letters().retry_manually(&wish, moment(DUE)).await.unwrap();
    let (given_up, busy) = (under_way[0].letter.id, under_way[1].letter.id);
    let mut accepted = granted.accepted;
    accepted.sort();
    let mut expected = vec![given_up, held];
    expected.sort();
    assert_eq!(accepted, expected);
    assert_eq!(granted.refused, [busy, foreign, LogId([0xff; 12])]);
    let wanted = get(&store, 7, given_up).await.retry_progress;
    assert!(
        wanted.manual && wanted.is_due(moment(DUE)) && wanted.retries == 1,
        "{wanted:?}"
    );
    assert_eq!(candidates(&store, 7, moment(DUE)).await.len(), 2);
}

#[tokio::test]
async fn dead_letter_is_deleted_unless_it_is_being_retried() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let id = fail(&store, 7, [1]).await[0];
    let letters = store.dead_letters();
    claim_all(&store, 7, &claim(1), moment(DUE)).await;
    assert_eq!(letters.delete(OrgId(7), id, moment(DUE)).await.unwrap(), Deletion::Busy);
    let later = moment(DUE) + CLAIM_LEASE;
    assert_eq!(letters.delete(OrgId(8), id, later).await.unwrap(), Deletion::Unknown);
    assert_eq!(letters.delete(OrgId(7), id, later).await.unwrap(), Deletion::Deleted);
    assert_eq!(letters.get(OrgId(7), id).await.unwrap(), None);
    let log = store.delivery_logs().get(OrgId(7), id).await.unwrap().unwrap();
    assert_eq!(log.status, DeliveryStatus::Abandoned);
}

#[tokio::test]
async fn dead_letter_statistics_count_undelivered_ones_and_reasons() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    fail(&store, 7, 0..3).await;
    fail(&store, 8, 0..5).await;
    hold(&store, 7, 9).await;
    let held = claim_all(&store, 7, &claim(1), moment(DUE)).await.remove(0);
    let log = held.letter.id;
    settle(&store, &held, &claim(1), RetryResult::Delivered { log }, moment(DUE)).await;
    let figures = store.dead_letters().statistics(OrgId(7)).await.unwrap();
    assert_eq!(figures.total, 4);
    assert_eq!(
        figures.by_status,
        BTreeMap::from([("PENDING_RETRY", 1), ("RETRYING", 2), ("RESOLVED", 1)])
    );
    assert_eq!(figures.by_category, BTreeMap::from([("SERVER_ERROR", 2)]));
    assert_eq!(
        figures.by_reason,
        BTreeMap::from([("ATTEMPTS_EXHAUSTED", 2), ("CIRCUIT_OPEN", 1)])
    );
    let counts: Vec<_> = figures
        .by_integration
        .values()
        .map(|of| (of.name.as_str(), of.count))
        .collect();
    assert_eq!(counts, [("Orders (new)", 3)]);
}

/// The delivery of `before`, retried once more.
fn tried_again(before: &DeliveryLog, status: DeliveryStatus) -> JournalEntry {
    let mut log = before.clone();
    log.attempts.push(before.attempts[1].clone());
    log.status = status;
    if status == DeliveryStatus::Success {
        log.error = None;
    }
    let mut trace = trace();
    trace.steps[0].detail = Some(format!("tried again with {} attempts", log.attempts.len()));
    JournalEntry::Retry {
        log: Box::new(log),
        trace,
    }
}

#[tokio::test]
async fn delivery_that_is_retried_keeps_its_one_log() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let id = fail(&store, 7, [1]).await[0];
    let read = async || store.delivery_logs().get(OrgId(7), id).await.unwrap().unwrap();
    let again = tried_again(&failure(7, 1), DeliveryStatus::Retrying);
    for _ in 0..2 {
        store.journal().record(std::slice::from_ref(&again)).await.unwrap();
    }
    assert_eq!(
        (read().await.attempts.len(), read().await.status),
        (3, DeliveryStatus::Retrying)
    );
    let taken = tried_again(&read().await, DeliveryStatus::Success);
    store.journal().record(std::slice::from_ref(&taken)).await.unwrap();
    let late = tried_again(&read().await, DeliveryStatus::Failed);
    store.journal().record(std::slice::from_ref(&late)).await.unwrap();
    let log = read().await;
    assert_eq!(
        (log.attempts.len(), log.status, &log.error),
        (4, DeliveryStatus::Success, &None)
    );
    let trace = store.execution_logs().get(OrgId(7), id).await.unwrap().unwrap();
    let steps: Vec<_> = trace.steps.iter().filter_map(|step| step.detail.as_deref()).collect();
    let retries = [3, 4, 5].map(|attempts| format!("tried again with {attempts} attempts"));
    assert_eq!(steps[0], "503");
    assert_eq!(
        steps[1..],
        retries,
        "what was done is told, also what came too late for the log"
    );
    assert_eq!(
        (trace.delivery.status, trace.delivery.error, trace.console.len()),
        (DeliveryStatus::Success, None, 4)
    );
}

#[tokio::test]
async fn delivery_whose_log_has_expired_gets_it_back_on_a_retry() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let log = delivery(7, 1);
    let again = tried_again(&log, DeliveryStatus::Success);
    store.journal().record(&[again]).await.unwrap();
    let found = store.delivery_logs().get(OrgId(7), log.id).await.unwrap().unwrap();
    assert_eq!(found.attempts.len(), 3);
}
