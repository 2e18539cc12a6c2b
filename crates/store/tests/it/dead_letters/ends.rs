//! The expiry of dead letters.

use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::{ManualRetry, RetryResult};
use ig_core::id::OrgId;
use ig_core::outcome::ErrorCategory;
use ig_store::SettleOutcome;

use super::{DUE, claim, claim_all, fail, failed, get, hold, record, settle};
use crate::deliveries::{dead_letter, failure};
use crate::stored::{Stored, moment};

#[tokio::test]
async fn dead_letter_expires_once_settled_and_not_while_it_is_retried_again() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let ids = fail(&store, 7, 0..2).await;
    let held = hold(&store, 7, 9).await;
    let log = failure(7, 0);
    let end = async |id| get(&store, 7, id).await.expires_at;
    for id in [ids[0], ids[1], held] {
        assert_eq!(end(id).await, None, "it waits");
    }
    let letters = claim_all(&store, 7, &claim(1), moment(DUE)).await;
    assert_eq!(end(ids[0]).await, None, "it is being tried");

    let (settled_at, kept_for) = (moment(DUE + 5), log.expires_at - log.created_at);
    for letter in &letters {
        let retried = if letter.letter.id == ids[0] {
            RetryResult::Delivered { log: ids[0] }
        } else {
            failed(ErrorCategory::ClientError)
        };
        assert_eq!(
            settle(&store, letter, &claim(1), retried, settled_at).await,
            SettleOutcome::Stored
        );
    }
    assert_eq!(end(ids[0]).await, Some(settled_at + kept_for), "it was delivered");
    assert_eq!(end(ids[1]).await, Some(settled_at + kept_for), "it was given up");

    let wish = ManualRetry {
        org_id: OrgId(7),
        ids: vec![ids[1]],
    };
    store.dead_letters().retry_manually(&wish, moment(DUE + 9)).await.unwrap();
    assert_eq!(end(ids[1]).await, None, "a person wants it tried again");
    assert_eq!(end(held).await, None, "it waits for somebody");
}

#[tokio::test]
async fn dead_letter_given_up_from_the_start_expires() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let log = failure(7, 0);
    let letter = DeadLetter {
        status: DeadLetterStatus::Abandoned,
        reason: DeadLetterReason::NotRetryable,
        next_retry_at: None,
        ..dead_letter(&log)
    };
    record(&store, &log, letter).await;
    assert_eq!(get(&store, 7, log.id).await.expires_at, Some(log.expires_at));
}
