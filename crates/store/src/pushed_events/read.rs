//! Reading pushed events by ranges with both ends bounded, so that a read costs what it returns and not what is stored.

use std::ops::RangeInclusive;

use bytes::Bytes;
use ig_core::event::{RowPayload, SourceRow};
use ig_core::id::Position;
use ig_core::ports::StoreError;
use mongodb::bson::doc;

use super::document::PushedDocument;
use super::{FORGOTTEN, POSITION};
use crate::configuration::Counter;
use crate::database::Database;
use crate::field::{long, unsigned};
use crate::names::{COUNTERS, PUSHED_EVENTS};

/// Ranges in one query.
const RANGES_AT_ONCE: usize = 100;

pub(super) async fn counter(database: &Database, name: &str) -> Result<Position, StoreError> {
    let counters = database.collection::<Counter>(COUNTERS);
    let counter = database.within(counters.find_one(doc! { "_id": name })).await?;
    Ok(counter.map_or(0, |counter| unsigned(counter.value)))
}

/// Positions have no gaps except for deleted events, so a window as wide as the limit nearly always suffices; otherwise
/// windows double until they reach the head. The head is read before them: everything up to it is visible.
pub(super) async fn after(database: &Database, after: Position, limit: usize) -> Result<Vec<SourceRow>, StoreError> {
    let (head, forgotten) = tokio::try_join!(counter(database, POSITION), counter(database, FORGOTTEN))?;
    let mut rows = Vec::new();
    let (mut low, mut width) = (after.max(forgotten), limit.max(1) as u64);
    while low < head && rows.len() < limit {
        let high = head.min(low.saturating_add(width));
        rows.extend(window(database, low, high, limit - rows.len()).await?);
        (low, width) = (high, width.saturating_mul(2));
    }
    Ok(rows)
}

async fn window(database: &Database, low: Position, high: Position, limit: usize) -> Result<Vec<SourceRow>, StoreError> {
    let queue = database.collection::<PushedDocument<'static>>(PUSHED_EVENTS);
    let find = queue.find(doc! { "_id": { "$gt": long(low), "$lte": long(high) } });
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(rows(database.all(find.sort(doc! { "_id": 1 }).limit(limit)).await?))
}

pub(super) async fn ranges(database: &Database, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, StoreError> {
    let queue = database.collection::<PushedDocument<'static>>(PUSHED_EVENTS);
    let mut found = Vec::new();
    for some in ranges.chunks(RANGES_AT_ONCE) {
        let bounds = some
            .iter()
            .map(|range| doc! { "_id": { "$gte": long(*range.start()), "$lte": long(*range.end()) } });
        let bounds: Vec<_> = bounds.collect();
        found.extend(rows(
            database
                .all(queue.find(doc! { "$or": bounds }).sort(doc! { "_id": 1 }))
                .await?,
        ));
    }
    Ok(found)
}

pub(super) async fn payload(database: &Database, key: &str) -> Result<Option<Bytes>, StoreError> {
    let queue = database.collection::<PushedDocument<'static>>(PUSHED_EVENTS);
    let found = database.within(queue.find_one(doc! { "key": key })).await?;
    Ok(found.and_then(|stored| match SourceRow::from(stored).payload {
        RowPayload::Present(bytes) => Some(bytes),
        RowPayload::Missing | RowPayload::TooLarge { .. } => None,
    }))
}

fn rows(found: Vec<PushedDocument<'static>>) -> Vec<SourceRow> {
    found.into_iter().map(SourceRow::from).collect()
}
