//! Deliveries by organisation and bucket of ten minutes, in the form in which they are stored.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use ig_core::calendar::Period;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::tally::Bucket;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::grouping::{StatusClassDocument, class, status_class};
use super::{DeliveryScope, DeliveryStatistics};
use crate::aggregation::{Aggregation, CountError};
use crate::configuration::Counter;
use crate::delivery_tallies::{self as tallies, BucketCount, StoredTallies};
use crate::field::timestamp;
use crate::names::{COUNTERS, DELIVERY_LOGS};
use crate::orgs::Orgs;

/// The counter that holds the last bucket counted for all organisations.
pub(crate) const TALLIED: &str = "delivery_tallies";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketDocument {
    #[serde(rename = "_id")]
    key: Key,
    parts: Vec<StatusClassDocument>,
    first_expires_at: bson::DateTime,
}

#[derive(Debug, Deserialize)]
struct Key {
    org: i64,
    at: i64,
}

impl DeliveryStatistics {
    /// Claims the counting of a bucket for all organisations; false if it, or a later one, has been claimed already.
    pub async fn take_on(&self, bucket: Bucket) -> Result<bool, StoreError> {
        let counters = self.database.collection::<Counter>(COUNTERS);
        let earlier = doc! { "_id": TALLIED, "value": { "$lt": bucket.number() } };
        let taken = counters.update_one(earlier, doc! { "$set": { "value": bucket.number() } });
        Ok(self.database.within(taken).await?.modified_count > 0)
    }

    /// Counts a bucket of these organisations and stores the counts of those that had deliveries in it; returns how many had.
    pub async fn tally(&self, orgs: &[OrgId], bucket: Bucket, now: Timestamp) -> Result<usize, CountError> {
        let Some(period) = Period::new(bucket.start(), bucket.end()) else {
            return Ok(0);
        };
        let counted = self.in_buckets(&Orgs::platform(orgs.iter().copied()), period).await?;
        let (found, nothing) = (counted.len(), StoredTallies::default());
        let stored = counted
            .into_iter()
            .map(|((org, bucket), counted)| tallies::store_tallies(&self.database, org, vec![(bucket, counted)], &nothing, now));
        try_join_all(stored).await?;
        Ok(found)
    }

    /// The non-empty buckets of a period.
    pub(super) async fn in_buckets(
        &self,
        orgs: &Orgs,
        period: Period,
    ) -> Result<BTreeMap<(OrgId, Bucket), BucketCount>, CountError> {
        let scope = DeliveryScope::all(orgs.clone(), period);
        let aggregation = Aggregation {
            collection: DELIVERY_LOGS,
            index: scope.index(),
            pipeline: pipeline(&scope),
            timeout: self.timeout,
        };
        let found = self.database.aggregate::<BucketDocument>(aggregation).await?;
        Ok(found.into_iter().map(BucketDocument::read).collect())
    }
}

impl BucketDocument {
    fn read(self) -> ((OrgId, Bucket), BucketCount) {
        let Self {
            key: Key { org, at },
            parts,
            first_expires_at,
        } = self;
        let bucket = Bucket::of(timestamp(bson::DateTime::from_millis(at)));
        let first_expires_at = Some(first_expires_at);
        ((OrgId(org), bucket), BucketCount { parts, first_expires_at })
    }
}

fn pipeline(scope: &DeliveryScope) -> Vec<Document> {
    let at = doc! { "$toLong": "$createdAt" };
    let length = (Bucket::new(1).start() - Bucket::new(0).start()).num_milliseconds();
    let key = doc! { "org": "$orgId", "at": { "$subtract": [at.clone(), { "$mod": [at, length] }] } };
    vec![
        doc! { "$match": scope.query() },
        doc! { "$group": {
            "_id": { "key": key, "status": "$status", "class": class() },
            "count": { "$sum": 1_i64 },
            "attempts": { "$sum": "$attemptCount" },
            "responseTimeMs": { "$sum": "$responseTimeMs" },
            "firstExpiresAt": { "$min": "$expiresAt" },
        } },
        doc! { "$group": {
            "_id": "$_id.key",
            "parts": { "$push": status_class() },
            "firstExpiresAt": { "$min": "$firstExpiresAt" },
        } },
    ]
}
