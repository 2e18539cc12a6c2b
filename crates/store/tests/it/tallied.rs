//! Stored counts of ten minutes equal fresh counts, whatever is written in between.

use std::time::Duration;

use chrono::{DurationRound as _, TimeDelta, Utc};
use ig_core::calendar::Period;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus};
use ig_core::figures::DeliveryFigures;
use ig_core::id::OrgId;
use ig_core::ports::{Journal as _, JournalEntry};
use ig_core::tally::Bucket;
use ig_store::{CountError, Deletion, Orgs, Store};
use mongodb::bson::{Document, doc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::deliveries::{dead_letter, trace};
use crate::statistics::{log, record, scope};
use crate::stored::Stored;

const ORG: OrgId = OrgId(7);

/// So long ago that every write is announced, and within the last 24 hours.
fn some_time_ago(random: &mut StdRng, now: Timestamp) -> Timestamp {
    now - TimeDelta::milliseconds(random.random_range(1_800_000..26 * 3_600_000))
}

/// A time at which everything written so far has settled.
fn settled(now: Timestamp) -> Timestamp {
    now + TimeDelta::minutes(10)
}

fn some_status(random: &mut StdRng) -> DeliveryStatus {
    DeliveryStatus::ALL[random.random_range(0..DeliveryStatus::ALL.len())]
}

fn some_log(random: &mut StdRng, number: i64, now: Timestamp) -> DeliveryLog {
    let (at, status) = (some_time_ago(random, now), some_status(random));
    let millis = random.random_bool(0.9).then(|| random.random_range(0..4_000));
    log(ORG.0, number, at, status, millis)
}

async fn redelivered(store: &Store, random: &mut StdRng, log: &mut DeliveryLog) {
    let finished = [DeliveryStatus::Success, DeliveryStatus::Skipped];
    let status = some_status(random);
    if !finished.contains(&log.status) {
        log.status = status;
    }
    let again = DeliveryLog { status, ..log.clone() };
    let entry = JournalEntry::Retry {
        log: Box::new(again),
        trace: trace(),
    };
    store.journal().record(&[entry]).await.unwrap();
}

/// Counts in both ways and compares the results.
async fn compare(store: &Store, start: Timestamp, end: Timestamp, now: Timestamp) -> DeliveryFigures {
    let statistics = store.delivery_statistics();
    let period = Period::new(start, end).unwrap();
    let figures = statistics.of_org(ORG, period, now).await.unwrap();
    assert_eq!(
        figures,
        statistics.summary(&scope(ORG.0, start, end)).await.unwrap(),
        "{start} to {end}"
    );
    figures
}

async fn tallies(stored: &Stored, filter: Document) -> u64 {
    let database = stored.database.open().await;
    let tallies = database.collection::<Document>("delivery_tallies");
    tallies.count_documents(filter).await.unwrap()
}

#[tokio::test]
async fn tallied_figures_equal_those_of_the_logs_despite_late_and_repeated_writes() {
    let stored = Stored::fresh().await;
    let (store, now) = (&stored.store, Utc::now());
    for seed in 0..3 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut logs: Vec<DeliveryLog> = Vec::new();
        for step in 0..25_i64 {
            if random.random_bool(0.6) || logs.is_empty() {
                let count = random.random_range(1..12);
                let first = i64::try_from(seed).unwrap() * 10_000 + step * 100;
                let new: Vec<_> = (first..first + count)
                    .map(|number| some_log(&mut random, number, now))
                    .collect();
                record(store, &new).await;
                logs.extend(new);
            } else {
                let at = random.random_range(0..logs.len());
                redelivered(store, &mut random, &mut logs[at]).await;
            }
            let (one, other) = (some_time_ago(&mut random, now), some_time_ago(&mut random, now));
            if one != other {
                compare(store, one.min(other), one.max(other), settled(now)).await;
            }
            let (org, statistics) = (Orgs::one(ORG), store.delivery_statistics());
            let recent = statistics.recent(&org, settled(now)).await.unwrap();
            assert_eq!(statistics.recent_of(ORG, settled(now)).await.unwrap(), recent);
        }
    }
    let counted = tallies(&stored, doc! { "counted.parts.0": { "$exists": true } }).await;
    assert!(counted > 50, "{counted} tallies have something in them");
}

#[tokio::test]
async fn tallied_bucket_is_not_counted_from_the_logs_again() {
    let stored = Stored::fresh().await;
    let (store, now) = (&stored.store, Utc::now());
    let mut random = StdRng::seed_from_u64(1);
    let logs: Vec<_> = (0..200).map(|number| some_log(&mut random, number, now)).collect();
    record(store, &logs).await;
    let start = Bucket::of(now - TimeDelta::hours(23)).start();
    let end = Bucket::of(now - TimeDelta::minutes(20)).start();
    let figures = compare(store, start, end, settled(now)).await;
    assert!(figures.total() > 100);
    let database = stored.database.open().await;
    database
        .collection::<Document>("delivery_logs")
        .delete_many(doc! {})
        .await
        .unwrap();
    let period = Period::new(start, end).unwrap();
    let again = store.delivery_statistics().of_org(ORG, period, settled(now)).await.unwrap();
    assert_eq!(again, figures);
}

#[tokio::test]
async fn tally_is_not_stored_while_an_announced_write_may_be_under_way() {
    let stored = Stored::fresh().await;
    let (store, now) = (&stored.store, Utc::now());
    let at = Bucket::of(now - TimeDelta::hours(2)).start();
    record(store, &[log(ORG.0, 1, at, DeliveryStatus::Success, Some(5))]).await;
    let (start, end) = (at - TimeDelta::minutes(10), at + TimeDelta::minutes(10));
    assert_eq!(compare(store, start, end, now).await.total(), 1);
    assert_eq!(
        tallies(&stored, doc! { "counted": { "$exists": true } }).await,
        1,
        "the ten minutes before"
    );
    compare(store, start, end, settled(now)).await;
    assert_eq!(tallies(&stored, doc! { "counted": { "$exists": true } }).await, 2);
    record(store, &[log(ORG.0, 2, at, DeliveryStatus::Failed, None)]).await;
    assert_eq!(
        tallies(&stored, doc! { "counted": { "$exists": true } }).await,
        1,
        "what was counted is taken back"
    );
    assert_eq!(compare(store, start, end, settled(now)).await.total(), 2);
}

#[tokio::test]
async fn delivery_recorded_soon_is_not_announced() {
    let stored = Stored::fresh().await;
    let logs: Vec<_> = (0..20)
        .map(|number| log(ORG.0, number, Utc::now(), DeliveryStatus::Success, Some(5)))
        .collect();
    record(&stored.store, &logs).await;
    assert_eq!(tallies(&stored, doc! {}).await, 0);
}

#[tokio::test]
async fn delivery_that_is_given_up_is_tallied_as_such() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let now = Utc::now();
    let at = (now - TimeDelta::hours(2)).duration_trunc(TimeDelta::seconds(1)).unwrap();
    let failed = log(ORG.0, 1, at, DeliveryStatus::Retrying, Some(5));
    let entry = JournalEntry::Delivery {
        dead_letter: Some(Box::new(dead_letter(&failed))),
        log: Box::new(failed.clone()),
        trace: trace(),
    };
    store.journal().record(&[entry]).await.unwrap();
    let (start, end) = (at - TimeDelta::hours(1), at + TimeDelta::hours(1));
    let before = compare(&store, start, end, settled(now)).await;
    assert_eq!(before.of(DeliveryStatus::Retrying), 1);
    assert_eq!(store.dead_letters().delete(ORG, failed.id, now).await, Ok(Deletion::Deleted));
    let after = compare(&store, start, end, settled(now)).await;
    assert_eq!(after.of(DeliveryStatus::Abandoned), 1);
}

#[tokio::test]
async fn tally_by_one_process_covers_all_organisations_with_deliveries() {
    let stored = Stored::fresh().await;
    let (store, now) = (&stored.store, Utc::now());
    let bucket = Bucket::last_settled(now - TimeDelta::hours(1));
    let at = bucket.start() + TimeDelta::minutes(3);
    for org in [7, 8] {
        record(store, &[log(org, 1, at, DeliveryStatus::Success, Some(5))]).await;
    }
    let database = stored.database.open().await;
    // As if the deliveries had been recorded right after they started.
    database
        .collection::<Document>("delivery_tallies")
        .delete_many(doc! {})
        .await
        .unwrap();
    let statistics = store.delivery_statistics();
    assert_eq!(statistics.take_on(bucket).await, Ok(true));
    for taken in [bucket, Bucket::new(bucket.number() - 1)] {
        assert_eq!(stored.another().await.delivery_statistics().take_on(taken).await, Ok(false));
    }
    let counted = statistics.tally(&[OrgId(7), OrgId(8), OrgId(9)], bucket, now).await.unwrap();
    assert_eq!((counted, tallies(&stored, doc! {}).await), (2, 2));
    assert_eq!(compare(store, bucket.start(), bucket.end(), now).await.total(), 1);
    assert_eq!(statistics.take_on(bucket.next()).await, Ok(true));
}

#[tokio::test]
async fn tallied_figures_without_time_fail_as_too_much() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let now = Utc::now();
    record(
        &store,
        &[log(ORG.0, 1, now - TimeDelta::hours(2), DeliveryStatus::Success, Some(5))],
    )
    .await;
    let period = Period::new(now - TimeDelta::hours(20), now).unwrap();
    let hurried = store.delivery_statistics().with_timeout(Duration::ZERO);
    assert_eq!(
        hurried.of_org(ORG, period, now).await,
        Err(CountError::TooMuch(Duration::ZERO))
    );
}
