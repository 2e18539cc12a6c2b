//! Announcing writes to buckets that may have been counted.

use std::collections::BTreeSet;

use chrono::Utc;
use futures::future::try_join_all;
use ig_core::clock::Timestamp;
use ig_core::id::{LogId, OrgId};
use ig_core::ports::{JournalEntry, StoreError};
use ig_core::tally::{Bucket, is_late, write_ends_by};
use mongodb::bson::{self, doc};
use serde::Deserialize;

use super::document::{MIN_RETENTION, TallyDocument, id};
use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::{date, object_id, timestamp};
use crate::names::{DELIVERY_LOGS, DELIVERY_TALLIES};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartDocument {
    created_at: bson::DateTime,
}

/// Announces the late ones among the entries to be recorded. A delivery that is recorded soon after it started is never
/// late, so it costs one comparison.
pub(crate) async fn announce(database: &Database, entries: &[JournalEntry]) -> Result<(), StoreError> {
    let now = Utc::now();
    let logs = entries.iter().filter_map(|entry| match entry {
        JournalEntry::Delivery { log, .. } | JournalEntry::Retry { log, .. } => Some((log.org_id, log.created_at)),
        JournalEntry::Audit(_)
        | JournalEntry::Redecided(_)
        | JournalEntry::Seen(_)
        | JournalEntry::Scheduled(_)
        | JournalEntry::Cancellation(_) => None,
    });
    let late = logs.filter(|(_, taken_up)| is_late(*taken_up, now));
    let buckets: BTreeSet<_> = late.map(|(org, taken_up)| (org, Bucket::of(taken_up))).collect();
    announce_all(database, buckets, now).await
}

/// Announces a change to a log, if that log exists.
pub(crate) async fn announce_log(database: &Database, org: OrgId, log: LogId) -> Result<(), StoreError> {
    let logs = database.collection::<StartDocument>(DELIVERY_LOGS);
    let found = logs
        .find_one(doc! { "_id": object_id(log.0), "orgId": org.0 })
        .projection(doc! { "createdAt": 1 });
    let (found, now) = (database.within(found).await?, Utc::now());
    let taken_up = found
        .map(|found| timestamp(found.created_at))
        .filter(|taken_up| is_late(*taken_up, now));
    announce_all(database, taken_up.map(|taken_up| (org, Bucket::of(taken_up))), now).await
}

async fn announce_all(
    database: &Database,
    buckets: impl IntoIterator<Item = (OrgId, Bucket)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let announced = buckets
        .into_iter()
        .map(|(org, bucket)| announce_one(database, org, bucket, now));
    try_join_all(announced).await.map(drop)
}

async fn announce_one(database: &Database, org: OrgId, bucket: Bucket, now: Timestamp) -> Result<(), StoreError> {
    let tallies = database.collection::<TallyDocument>(DELIVERY_TALLIES);
    let announcement = doc! {
        "$inc": { "announced": 1_i64 },
        "$max": { "underWayUntil": date(write_ends_by(now)), "expiresAt": date(now + MIN_RETENTION) },
        "$unset": { "counted": "" },
        "$setOnInsert": { "orgId": org.0, "bucket": bucket.number() },
    };
    let update = || tallies.update_one(doc! { "_id": id(org, bucket.number()) }, announcement.clone());
    match database.raw(update().upsert(true)).await? {
        // Another process inserted it first.
        Err(error) if is_duplicate(&error) => database.within(update()).await.map(drop),
        announced => announced.map(drop).map_err(|error| store_error(&error)),
    }
}
