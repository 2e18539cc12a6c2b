//! Counts of alerts, of one organisation or of the platform.

use ig_core::alert::Severity;
use ig_core::clock::Timestamp;
use mongodb::bson::doc;
use serde::Deserialize;

use super::Alerts;
use crate::aggregation::{Aggregation, CountError};
use crate::error::unreadable;
use crate::field::{date, unsigned};
use crate::names::ALERTS;
use crate::orgs::Orgs;

/// The number of alerts of one kind and severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertTally {
    /// Kind of alert.
    pub kind: String,
    /// Severity.
    pub severity: Severity,
    /// How many alerts; reports within one quiet period count as one.
    pub count: u64,
}

#[derive(Debug, Deserialize)]
struct KindDocument {
    #[serde(rename = "_id")]
    of: Kind,
    count: i64,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: String,
    severity: String,
}

impl Alerts {
    /// Alerts first reported since a time, by kind and severity, largest count first.
    pub async fn tally(&self, orgs: &Orgs, since: Timestamp) -> Result<Vec<AlertTally>, CountError> {
        let late = doc! { "orgId": orgs.condition(), "firstAt": { "$gte": date(since) } };
        let by_kind = doc! { "_id": { "kind": "$kind", "severity": "$severity" }, "count": { "$sum": 1_i64 } };
        let aggregation = Aggregation {
            collection: ALERTS,
            index: Some(doc! { "orgId": 1, "firstAt": -1, "_id": -1 }),
            pipeline: vec![
                doc! { "$match": late },
                doc! { "$group": by_kind },
                doc! { "$sort": { "count": -1, "_id": 1 } },
            ],
            timeout: Aggregation::DEFAULT_TIMEOUT,
        };
        let counted: Vec<KindDocument> = self.database.aggregate(aggregation).await?;
        let tallies = counted.into_iter().map(|KindDocument { of, count }| {
            Ok(AlertTally {
                severity: Severity::parse(&of.severity).ok_or_else(|| unreadable("severity"))?,
                kind: of.kind,
                count: unsigned(count),
            })
        });
        tallies.collect()
    }
}
