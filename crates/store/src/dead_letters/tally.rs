//! Counts of dead letters by status, of one organisation or of all.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::DeadLetterStatus;
use mongodb::bson::{self, doc};
use serde::Deserialize;

use super::DeadLetters;
use crate::aggregation::{Aggregation, CountError};
use crate::error::unreadable;
use crate::field::{timestamp, unsigned};
use crate::names::DEAD_LETTERS;
use crate::orgs::Orgs;

/// Dead letters by status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterTally {
    /// How many have each status.
    pub by_status: BTreeMap<&'static str, u64>,
    /// When the oldest of those that await a retry, or are being retried, was created.
    pub oldest_waiting: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct StatusDocument {
    #[serde(rename = "_id")]
    status: String,
    count: i64,
    oldest: bson::DateTime,
}

impl DeadLetters {
    /// Counts dead letters by status; the index covers the whole query.
    pub async fn tally(&self, orgs: &Orgs) -> Result<DeadLetterTally, CountError> {
        let by_status = doc! { "_id": "$status", "count": { "$sum": 1_i64 }, "oldest": { "$min": "$createdAt" } };
        let aggregation = Aggregation {
            collection: DEAD_LETTERS,
            index: Some(doc! { "orgId": 1, "status": 1, "createdAt": -1, "_id": -1 }),
            pipeline: vec![doc! { "$match": { "orgId": orgs.condition() } }, doc! { "$group": by_status }],
            timeout: Aggregation::DEFAULT_TIMEOUT,
        };
        let mut tally = DeadLetterTally::default();
        for StatusDocument { status, count, oldest } in self.database.aggregate(aggregation).await? {
            let status = DeadLetterStatus::parse(&status).ok_or_else(|| unreadable("status"))?;
            tally.by_status.insert(status.as_str(), unsigned(count));
            tally.note_oldest(status, timestamp(oldest));
        }
        Ok(tally)
    }
}

impl DeadLetterTally {
    fn note_oldest(&mut self, status: DeadLetterStatus, at: Timestamp) {
        match status {
            DeadLetterStatus::PendingRetry | DeadLetterStatus::Retrying => {
                self.oldest_waiting = Some(self.oldest_waiting.map_or(at, |oldest| oldest.min(at)));
            }
            DeadLetterStatus::Abandoned | DeadLetterStatus::Resolved => {}
        }
    }
}
