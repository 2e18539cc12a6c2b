//! Deleting finished pushed events, range by range.

use ig_core::clock::Timestamp;
use ig_core::id::Position;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use super::{FORGOTTEN, read};
use crate::database::Database;
use crate::field::{date, long};
use crate::names::{COUNTERS, PUSHED_EVENTS};

/// Positions in one range.
const RANGE: u64 = 5_000;

/// Continues where an earlier call stopped. The mark passes only empty ranges, so an event that is still too young is
/// visited again.
pub(super) async fn forget_done(database: &Database, done: Position, received_before: Timestamp) -> Result<u64, StoreError> {
    let mut low = read::counter(database, FORGOTTEN).await?;
    let mut forgotten = 0;
    while low < done {
        let high = done.min(low + RANGE);
        forgotten += delete(database, low, high, received_before).await?;
        if count(database, low, high).await? > 0 {
            break;
        }
        mark(database, high).await?;
        low = high;
    }
    Ok(forgotten)
}

async fn delete(database: &Database, low: Position, high: Position, received_before: Timestamp) -> Result<u64, StoreError> {
    let mut old = between(low, high);
    old.insert("receivedAt", doc! { "$lt": date(received_before) });
    let deleted = database
        .within(database.collection::<Document>(PUSHED_EVENTS).delete_many(old))
        .await?;
    Ok(deleted.deleted_count)
}

async fn count(database: &Database, low: Position, high: Position) -> Result<u64, StoreError> {
    database
        .within(
            database
                .collection::<Document>(PUSHED_EVENTS)
                .count_documents(between(low, high)),
        )
        .await
}

async fn mark(database: &Database, position: Position) -> Result<(), StoreError> {
    let counters = database.collection::<Document>(COUNTERS);
    let further = doc! { "$max": { "value": long(position) } };
    database
        .within(counters.update_one(doc! { "_id": FORGOTTEN }, further))
        .await?;
    Ok(())
}

fn between(low: Position, high: Position) -> Document {
    doc! { "_id": { "$gt": long(low), "$lte": long(high) } }
}
