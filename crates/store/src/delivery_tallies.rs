//! Stored counts of an organisation's deliveries in ten minutes: a cache of what the logs say, useful only while it is
//! known to be correct.
//!
//! A writer that adds a delivery to a bucket that may have been counted first announces it, in the same document. A
//! count is stored only if nothing was announced since before it began and no announced write can still be under way.
//! So a stored count has seen every delivery, or an announcement follows and invalidates it. The rules on time are in
//! [`ig_core::tally`].

mod document;
mod late;

use std::collections::BTreeMap;
use std::ops::Range;

use futures::future::try_join_all;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::tally::Bucket;
use mongodb::bson::doc;

pub(crate) use document::BucketCount;
pub(crate) use late::{announce, announce_log};

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::names::DELIVERY_TALLIES;
use document::{Announcements, TallyDocument, id};

/// Counts written concurrently; the server makes them durable together.
const CONCURRENCY: usize = 16;

/// The stored counts of an organisation's deliveries in a range of buckets.
#[derive(Debug, Default)]
pub(crate) struct StoredTallies(BTreeMap<i64, TallyDocument>);

impl StoredTallies {
    /// The count of a bucket, if it is valid.
    pub(crate) fn counted(&self, bucket: i64) -> Option<&BucketCount> {
        self.0.get(&bucket)?.counted.as_ref()
    }

    /// The announcements of a bucket when this was read.
    fn announcements(&self, bucket: i64) -> Announcements {
        self.0.get(&bucket).map_or(Announcements::NONE, TallyDocument::announcements)
    }
}

/// Reads stored counts.
pub(crate) async fn read_tallies(database: &Database, org: OrgId, buckets: Range<i64>) -> Result<StoredTallies, StoreError> {
    if buckets.is_empty() {
        return Ok(StoredTallies::default());
    }
    let tallies = database.collection::<TallyDocument>(DELIVERY_TALLIES);
    let bounds = doc! { "_id": { "$gte": id(org, buckets.start), "$lt": id(org, buckets.end) } };
    let found = database.all(tallies.find(bounds)).await?;
    Ok(StoredTallies(found.into_iter().map(|tally| (tally.bucket, tally)).collect()))
}

/// Stores counts begun at `began`, if no announcement can invalidate them.
pub(crate) async fn store_tallies(
    database: &Database,
    org: OrgId,
    counted: Vec<(Bucket, BucketCount)>,
    before: &StoredTallies,
    began: Timestamp,
) -> Result<(), StoreError> {
    let all = counted.into_iter();
    let counts = all.map(|(bucket, counted)| {
        (
            before.announcements(bucket.number()),
            TallyDocument::new(org, bucket, counted, began),
        )
    });
    let storable: Vec<_> = counts.filter(|(announcements, _)| announcements.ended_by(began)).collect();
    for chunk in storable.chunks(CONCURRENCY) {
        try_join_all(
            chunk
                .iter()
                .map(|(announcements, tally)| store_tally(database, *announcements, tally)),
        )
        .await?;
    }
    Ok(())
}

async fn store_tally(database: &Database, announcements: Announcements, tally: &TallyDocument) -> Result<(), StoreError> {
    let tallies = database.collection::<TallyDocument>(DELIVERY_TALLIES);
    let Some(announced) = announcements.announced else {
        let inserted = database.raw(tallies.insert_one(tally)).await?;
        return match inserted {
            // Another process counted it or announced a write.
            Err(error) if !is_duplicate(&error) => Err(store_error(&error)),
            Ok(_) | Err(_) => Ok(()),
        };
    };
    let unchanged = doc! { "_id": &tally.id, "announced": announced };
    let update = tallies.update_one(unchanged, tally.replacement()?);
    database.within(update).await.map(drop)
}
