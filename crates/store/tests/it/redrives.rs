//! Redrives: what they cover, which process executes them, and their progress.

use std::time::Duration;

use ig_core::dead_letter::DeadLetterStatus;
use ig_core::dead_letter_retry::{CLAIM_LEASE, ClaimId, ManualRetry, ManualRetryResult, RetryPolicy, RetryResult, group_by_lane};
use ig_core::id::{LogId, OrgId, RedriveId};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::redrive::{Redrive, RedriveFilter, RedriveKey, RedriveProgress, RedriveState};
use ig_store::{Page, REDRIVE_LEASE, RedriveClaim, RetryUpdate, Store, StoredDeadLetter};

use crate::dead_letters::fail;
use crate::stored::{Stored, moment};

/// When the redrives of these tests begin: every dead letter exists by then.
const BEGIN: i64 = 50;

fn claim(number: u32) -> ClaimId {
    ClaimId(format!("claim-{number}"))
}

fn redrive(org: i64, number: u8, filter: RedriveFilter) -> Redrive {
    Redrive {
        key: RedriveKey {
            org_id: OrgId(org),
            id: RedriveId([number; 12]),
        },
        filter,
        state: RedriveState::Running,
        progress: RedriveProgress::default(),
        created_at: moment(BEGIN),
        ended_at: None,
    }
}

async fn begun(store: &Store, number: u8, filter: RedriveFilter) -> RedriveKey {
    store.redrives().start(redrive(7, number, filter)).await.unwrap().key
}

/// Claims a free redrive.
async fn taken_up(store: &Store, by: &ClaimId) -> Redrive {
    let redrive = store
        .redrives()
        .claim(by, &[], moment(BEGIN))
        .await
        .unwrap()
        .expect("a redrive");
    store.redrives().add_letters(&redrive, by).await.unwrap();
    redrive
}

async fn claim_turn(store: &Store, key: RedriveKey, id: LogId, by: &ClaimId) -> (StoredDeadLetter, StoredDeadLetter) {
    let claimed = store.dead_letters().claim_redriven(key, id, by, moment(BEGIN)).await.unwrap();
    let RedriveClaim::Claimed { before, letter } = claimed else {
        panic!("{claimed:?}");
    };
    (*before, *letter)
}

async fn settle(store: &Store, letter: &StoredDeadLetter, by: &ClaimId, retried: RetryResult) {
    let (policy, now) = (RetryPolicy::default(), moment(BEGIN));
    let settlement = letter
        .retry_progress
        .settled(by, retried, &policy, now, &mut rand::rng())
        .unwrap();
    let update = RetryUpdate {
        letter,
        claim: by,
        settlement: &settlement,
        max_retries: policy.max_retries(),
        failure: None,
    };
    store.dead_letters().settle(update, now).await.unwrap();
}

async fn progress(store: &Store, key: RedriveKey) -> (RedriveState, RedriveProgress) {
    let redrive = store.redrives().get(key).await.unwrap().expect("a redrive");
    (redrive.state, redrive.progress)
}

fn counts(estimated: u64, delivered: u64, failed: u64, waiting: u64) -> RedriveProgress {
    RedriveProgress {
        estimated,
        delivered,
        failed,
        waiting,
    }
}

#[tokio::test]
async fn redrive_claims_its_dead_letters_in_order_and_counts_them() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, 0..4).await;
    fail(&store, 8, 0..4).await;
    let key = begun(&store, 1, RedriveFilter::default()).await;
    assert_eq!(progress(&store, key).await, (RedriveState::Running, counts(4, 0, 0, 4)));
    let redrive = taken_up(&store, &claim(1)).await;
    assert_eq!(redrive.key, key);
    assert_eq!(
        group_by_lane(store.dead_letters().waiting(key).await.unwrap()),
        std::slice::from_ref(&ids)
    );

    let outcomes = [
        RetryResult::Delivered { log: ids[0] },
        RetryResult::Failed(Failure::new(ErrorCategory::ServerError, "it answered 500")),
        RetryResult::Failed(Failure::new(ErrorCategory::ClientError, "it answered 400")),
    ];
    for (id, retried) in ids.iter().zip(outcomes) {
        let (_, letter) = claim_turn(&store, key, *id, &claim(9)).await;
        settle(&store, &letter, &claim(9), retried).await;
    }
    assert_eq!(progress(&store, key).await, (RedriveState::Running, counts(4, 1, 2, 1)));

    let (before, letter) = claim_turn(&store, key, ids[3], &claim(9)).await;
    assert_eq!(store.redrives().settle(key, &claim(1), moment(BEGIN)).await, Ok(false));
    let back = store.dead_letters();
    back.give_back(&letter, &claim(9), &before.retry_progress, moment(BEGIN))
        .await
        .unwrap();
    assert_eq!(
        progress(&store, key).await.1,
        counts(4, 1, 2, 1),
        "what was not tried does not count"
    );
    let (_, letter) = claim_turn(&store, key, ids[3], &claim(9)).await;
    settle(&store, &letter, &claim(9), RetryResult::Delivered { log: ids[3] }).await;
    assert!(store.dead_letters().waiting(key).await.unwrap().is_empty());
    assert_eq!(store.redrives().settle(key, &claim(1), moment(BEGIN)).await, Ok(true));
    assert_eq!(progress(&store, key).await, (RedriveState::Completed, counts(4, 2, 2, 0)));
    assert_eq!(store.redrives().claim(&claim(2), &[], moment(9_999)).await.unwrap(), None);
}

#[tokio::test]
async fn redrives_are_listed_newest_first_with_their_progress() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    fail(&store, 7, 0..3).await;
    for number in 1..=3 {
        let at = moment(BEGIN + i64::from(number % 3));
        let begun = Redrive {
            created_at: at,
            ..redrive(7, number, RedriveFilter::default())
        };
        store.redrives().start(begun).await.unwrap();
    }
    store.redrives().start(redrive(8, 9, RedriveFilter::default())).await.unwrap();
    let oldest = taken_up(&store, &claim(1)).await.key;
    store.redrives().cancel(oldest, moment(BEGIN)).await.unwrap();
    let listed = async |state, page| {
        let listed = store.redrives().list(OrgId(7), state, page).await.unwrap();
        let numbers: Vec<_> = listed.items.iter().map(|redrive| redrive.key.id.0[0]).collect();
        (numbers, listed.total)
    };
    assert_eq!(listed(None, Page::first(50)).await, (vec![2, 1, 3], 3));
    assert_eq!(listed(None, Page { number: 2, limit: 2 }).await, (vec![3], 3));
    assert_eq!(listed(Some(RedriveState::Running), Page::first(50)).await, (vec![2, 1], 2));
    let cancelled = store
        .redrives()
        .list(OrgId(7), Some(RedriveState::Cancelled), Page::first(50))
        .await;
    assert_eq!(
        cancelled.unwrap().items[0].progress,
        counts(3, 0, 0, 3),
        "counted from what it covers"
    );
}

#[tokio::test]
async fn redrive_keeps_its_queued_dead_letters_from_others() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, 0..3).await;
    let key = begun(&store, 1, RedriveFilter::default()).await;
    taken_up(&store, &claim(1)).await;
    assert!(store.dead_letters().due(moment(9_999), &[]).await.unwrap().is_empty());
    let wish = ManualRetry {
        org_id: OrgId(7),
        ids: ids.clone(),
    };
    let granted = store.dead_letters().retry_manually(&wish, moment(BEGIN)).await.unwrap();
    assert_eq!(
        granted,
        ManualRetryResult {
            accepted: Vec::new(),
            refused: ids.clone()
        }
    );
    let other = begun(&store, 2, RedriveFilter::default()).await;
    let busy = store.redrives().claim(&claim(2), &[key], moment(BEGIN)).await.unwrap();
    assert_eq!(busy, None, "one of a tenant at a time");
    taken_up(&store, &claim(2)).await;
    assert!(store.dead_letters().waiting(other).await.unwrap().is_empty());
    assert_eq!(store.dead_letters().waiting(key).await.unwrap().len(), 3);
}

#[tokio::test]
async fn redrive_covers_what_its_filter_matches_and_what_existed_when_it_began() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, [0, 10, 20, BEGIN + 1]).await;
    let filter = RedriveFilter {
        from: Some(moment(10)),
        until: Some(moment(20)),
        category: Some(ErrorCategory::ServerError),
        integration_id: Some(ig_testkit::builders::integration_id(1)),
    };
    let key = begun(&store, 1, filter.clone()).await;
    taken_up(&store, &claim(1)).await;
    assert_eq!(group_by_lane(store.dead_letters().waiting(key).await.unwrap()), [[ids[1]]]);
    let elsewhere = RedriveFilter {
        category: Some(ErrorCategory::Timeout),
        ..RedriveFilter::default()
    };
    let none = begun(&store, 2, elsewhere).await;
    assert_eq!(progress(&store, none).await.1, counts(0, 0, 0, 0));
    let rest = begun(&store, 3, RedriveFilter::default()).await;
    for number in [2, 3] {
        taken_up(&store, &claim(number)).await;
    }
    assert_eq!(
        group_by_lane(store.dead_letters().waiting(rest).await.unwrap()),
        [[ids[0], ids[2]]]
    );
}

#[tokio::test]
async fn redrive_cancelled_leaves_unreached_dead_letters_as_they_were() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, 0..3).await;
    let key = begun(&store, 1, RedriveFilter::default()).await;
    taken_up(&store, &claim(1)).await;
    let (_, done) = claim_turn(&store, key, ids[0], &claim(9)).await;
    settle(&store, &done, &claim(9), RetryResult::Delivered { log: ids[0] }).await;
    let (_, under_way) = claim_turn(&store, key, ids[1], &claim(9)).await;

    let foreign = RedriveKey { org_id: OrgId(8), ..key };
    assert_eq!(store.redrives().cancel(foreign, moment(BEGIN)).await.unwrap(), None);
    let cancelled = store.redrives().cancel(key, moment(BEGIN)).await.unwrap().unwrap();
    assert_eq!(cancelled.state, RedriveState::Cancelled);
    let state = store.redrives().renew(key, &claim(1), moment(BEGIN)).await.unwrap();
    assert_eq!(state, Some(RedriveState::Cancelled));
    assert_eq!(store.redrives().settle(key, &claim(1), moment(BEGIN)).await, Ok(false));
    settle(&store, &under_way, &claim(9), RetryResult::Delivered { log: ids[1] }).await;
    assert_eq!(store.redrives().settle(key, &claim(1), moment(BEGIN)).await, Ok(true));
    assert_eq!(progress(&store, key).await, (RedriveState::Cancelled, counts(3, 2, 0, 0)));

    let left = store.dead_letters().get(OrgId(7), ids[2]).await.unwrap().unwrap();
    assert_eq!((left.letter.status, left.redrive), (DeadLetterStatus::PendingRetry, None));
    assert_eq!(store.dead_letters().due(moment(60), &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn redrive_of_a_dead_holder_is_claimed_by_another_which_fences_the_first() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    let ids = fail(store, 7, 0..3).await;
    let key = begun(store, 1, RedriveFilter::default()).await;
    taken_up(store, &claim(1)).await;
    let (_, frozen) = claim_turn(store, key, ids[0], &claim(8)).await;
    let almost = moment(BEGIN) + REDRIVE_LEASE - Duration::from_secs(1);
    assert_eq!(store.redrives().claim(&claim(2), &[], almost).await.unwrap(), None);
    let later = moment(BEGIN) + REDRIVE_LEASE;
    let other = stored.another().await;
    let redrive = other
        .redrives()
        .claim(&claim(2), &[], later)
        .await
        .unwrap()
        .expect("it is free");
    other.redrives().add_letters(&redrive, &claim(2)).await.unwrap();
    assert_eq!(store.redrives().renew(key, &claim(1), later).await.unwrap(), None);
    assert_eq!(other.dead_letters().waiting(key).await.unwrap().len(), 3);
    let busy = other
        .dead_letters()
        .claim_redriven(key, ids[0], &claim(9), later)
        .await
        .unwrap();
    assert_eq!(busy, RedriveClaim::Busy);
    let free = moment(BEGIN) + CLAIM_LEASE;
    let claimed = other
        .dead_letters()
        .claim_redriven(key, ids[0], &claim(9), free)
        .await
        .unwrap();
    assert!(matches!(claimed, RedriveClaim::Claimed { .. }), "{claimed:?}");
    settle(store, &frozen, &claim(8), RetryResult::Delivered { log: ids[0] }).await;
    assert_eq!(
        progress(store, key).await.1,
        counts(3, 0, 0, 3),
        "the first holder is refused"
    );
}

#[tokio::test]
async fn redrive_cancelled_restores_the_expiry_of_unreached_settled_dead_letters() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, 0..3).await;
    let end = async |id| {
        let kept = store.dead_letters().get(OrgId(7), id).await.unwrap().expect("a dead letter");
        (kept.retry_progress.state.status(), kept.expires_at)
    };
    // Two are given up before: a redrive adds no expiry of its own.
    begun(&store, 1, RedriveFilter::default()).await;
    let first = taken_up(&store, &claim(1)).await;
    for id in &ids[..2] {
        let (_, letter) = claim_turn(&store, first.key, *id, &claim(9)).await;
        let refused = RetryResult::Failed(Failure::new(ErrorCategory::ClientError, "it answered 400"));
        settle(&store, &letter, &claim(9), refused).await;
    }
    store.redrives().cancel(first.key, moment(BEGIN)).await.unwrap();
    assert_eq!(store.redrives().settle(first.key, &claim(1), moment(BEGIN)).await, Ok(true));
    let (abandoned, pending) = (DeadLetterStatus::Abandoned, DeadLetterStatus::PendingRetry);
    let (status, given_up) = end(ids[0]).await;
    assert_eq!((status, given_up.is_some()), (abandoned, true));
    let kept_for = given_up.expect("an end") - moment(BEGIN);

    let key = begun(&store, 2, RedriveFilter::default()).await;
    taken_up(&store, &claim(2)).await;
    assert_eq!(end(ids[0]).await, (abandoned, None), "somebody wants it redriven");
    store.redrives().cancel(key, moment(BEGIN + 5)).await.unwrap();
    assert_eq!(store.redrives().settle(key, &claim(2), moment(BEGIN + 7)).await, Ok(true));
    for id in &ids[..2] {
        assert_eq!(end(*id).await, (abandoned, Some(moment(BEGIN + 7) + kept_for)));
    }
    assert_eq!(end(ids[2]).await, (pending, None), "it is yet to be delivered");
}
