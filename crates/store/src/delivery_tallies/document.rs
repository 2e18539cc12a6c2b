//! The deliveries of an organisation and bucket as stored.

use ig_core::clock::Timestamp;
use ig_core::figures::DeliveryFigures;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::tally::Bucket;
use mongodb::bson::{self, Document, doc};
use serde::{Deserialize, Serialize};

use crate::delivery_statistics::StatusClassDocument;
use crate::field::date;

/// The least retention of an empty bucket: as long as dashboards show it.
const EMPTY_RETENTION: chrono::TimeDelta = chrono::TimeDelta::hours(25);
/// The least retention of any document, so that an announcement outlives the write it announces.
pub(super) const MIN_RETENTION: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// The count of a bucket.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BucketCount {
    /// Deliveries by status and response time class.
    pub(crate) parts: Vec<StatusClassDocument>,
    /// When the first of their logs expires; `None` if there are none.
    pub(crate) first_expires_at: Option<bson::DateTime>,
}

impl BucketCount {
    /// The same as figures.
    pub(crate) fn figures(&self) -> Result<DeliveryFigures, StoreError> {
        let mut figures = DeliveryFigures::default();
        for part in &self.parts {
            figures.add(part.clone().try_into()?);
        }
        Ok(figures)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TallyDocument {
    #[serde(rename = "_id")]
    pub(super) id: String,
    org_id: i64,
    pub(super) bucket: i64,
    /// How many announcements there were.
    #[serde(default)]
    announced: i64,
    /// Until when an announced write may be under way.
    #[serde(default)]
    under_way_until: Option<bson::DateTime>,
    /// `None` once a write was announced after the count.
    #[serde(default)]
    pub(super) counted: Option<BucketCount>,
    expires_at: bson::DateTime,
}

/// The announcements of a bucket before it was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announcements {
    /// How many announcements there were; `None` if there was no document.
    pub(super) announced: Option<i64>,
    under_way_until: Option<bson::DateTime>,
}

impl Announcements {
    pub(super) const NONE: Self = Self {
        announced: None,
        under_way_until: None,
    };

    /// Whether all announced writes had finished by then.
    pub(super) fn ended_by(self, began: Timestamp) -> bool {
        self.under_way_until.is_none_or(|until| until <= date(began))
    }
}

impl TallyDocument {
    pub(super) fn new(org: OrgId, bucket: Bucket, counted: BucketCount, began: Timestamp) -> Self {
        let lasting = counted
            .first_expires_at
            .unwrap_or_else(|| date(bucket.end() + EMPTY_RETENTION));
        Self {
            id: id(org, bucket.number()),
            org_id: org.0,
            bucket: bucket.number(),
            announced: 0,
            under_way_until: None,
            expires_at: lasting.max(date(began + MIN_RETENTION)),
            counted: Some(counted),
        }
    }

    pub(super) fn announcements(&self) -> Announcements {
        Announcements {
            announced: Some(self.announced),
            under_way_until: self.under_way_until,
        }
    }

    /// An update that replaces the stored count, if there is one.
    pub(super) fn replacement(&self) -> Result<Document, StoreError> {
        let counted = bson::serialize_to_bson(&self.counted);
        let counted = counted.map_err(|error| StoreError::Refused(error.to_string()))?;
        Ok(doc! { "$set": { "counted": counted, "expiresAt": self.expires_at } })
    }
}

/// Ids sort by bucket within an organisation, so that a range of buckets is a range of the index on `_id`.
pub(super) fn id(org: OrgId, bucket: i64) -> String {
    format!("{org}:{bucket:012}")
}
