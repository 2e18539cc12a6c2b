//! What was counted of an organisation's deliveries in ten minutes: a copy of what the logs say, worth having only as long as it is known
//! to be true.
//!
//! Whoever writes a delivery into ten minutes that may have been counted announces it first, in the same document. A count is kept under the
//! condition that nothing was announced since before it began, and nothing that was announced may still be under way. So a count that is
//! kept has seen every delivery, or an announcement follows it and it is not taken for true any more. The law of times is
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

pub(crate) use document::Counted;
pub(crate) use late::{announce, announce_log};

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::names::DELIVERY_TALLIES;
use document::{Known, TallyDocument, id};

/// Counts that are written at once; the server makes them durable together.
const AT_ONCE: usize = 16;

/// What is kept of an organisation's deliveries in a range of buckets.
#[derive(Debug, Default)]
pub(crate) struct Kept(BTreeMap<i64, TallyDocument>);

impl Kept {
    /// What was counted in a bucket, where that is known to be true.
    pub(crate) fn counted(&self, bucket: i64) -> Option<&Counted> {
        self.0.get(&bucket)?.counted.as_ref()
    }

    /// What was known of a bucket when this was read.
    fn known(&self, bucket: i64) -> Known {
        self.0.get(&bucket).map_or(Known::NOTHING, TallyDocument::known)
    }
}

/// Reads what is kept.
pub(crate) async fn kept(database: &Database, org: OrgId, buckets: Range<i64>) -> Result<Kept, StoreError> {
    if buckets.is_empty() {
        return Ok(Kept::default());
    }
    let tallies = database.collection::<TallyDocument>(DELIVERY_TALLIES);
    let bounds = doc! { "_id": { "$gte": id(org, buckets.start), "$lt": id(org, buckets.end) } };
    let found = database.all(tallies.find(bounds)).await?;
    Ok(Kept(found.into_iter().map(|tally| (tally.bucket, tally)).collect()))
}

/// Keeps what was counted from a moment on, where that is true still and going to be.
pub(crate) async fn keep(
    database: &Database,
    org: OrgId,
    counted: Vec<(Bucket, Counted)>,
    before: &Kept,
    began: Timestamp,
) -> Result<(), StoreError> {
    let all = counted.into_iter();
    let known = all.map(|(bucket, counted)| (before.known(bucket.number()), TallyDocument::new(org, bucket, counted, began)));
    let lasting: Vec<_> = known.filter(|(known, _)| known.is_over_by(began)).collect();
    for part in lasting.chunks(AT_ONCE) {
        try_join_all(part.iter().map(|(known, tally)| keep_one(database, *known, tally))).await?;
    }
    Ok(())
}

async fn keep_one(database: &Database, known: Known, tally: &TallyDocument) -> Result<(), StoreError> {
    let tallies = database.collection::<TallyDocument>(DELIVERY_TALLIES);
    let Some(announced) = known.announced else {
        let inserted = database.raw(tallies.insert_one(tally)).await?;
        return match inserted {
            // Somebody else has counted it, or announced something.
            Err(error) if !is_duplicate(&error) => Err(store_error(&error)),
            Ok(_) | Err(_) => Ok(()),
        };
    };
    let unchanged = doc! { "_id": &tally.id, "announced": announced };
    let update = tallies.update_one(unchanged, tally.replacing()?);
    database.within(update).await.map(drop)
}
