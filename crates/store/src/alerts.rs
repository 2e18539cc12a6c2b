//! Alerts, as people read them in the alert centre: `_id` is what they are about and the quiet time that they opened.

mod kept;
mod owed;
mod tally;

use std::time::Duration;

use ig_core::alert::Alert;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use kept::{AlertFilter, KeptAlert};
pub use owed::OwedAlert;
pub use tally::AlertTally;

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::{date, millis};
use crate::names::ALERTS;

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// It is new: people are to be told.
    Told,
    /// It is about what people were told of within the quiet time, and was counted there.
    Counted,
}

/// How long an alert keeps others of its kind quiet, and how long it is kept itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertTimes {
    /// Within this time the same alert is counted and not told again.
    pub quiet: Duration,
    /// After this time it may be forgotten.
    pub keep: Duration,
}

/// The alert centre's log.
#[derive(Debug, Clone)]
pub struct Alerts {
    database: Database,
}

impl Alerts {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes an alert down, or counts it where the same organisation, kind and key has an open one.
    pub async fn raise(&self, alert: &Alert, times: AlertTimes, now: Timestamp) -> Result<Raised, StoreError> {
        if self.count(open(alert, now), now).await? {
            return Ok(Raised::Counted);
        }
        let id = opened(alert, times.quiet, now);
        let log = document(&id, alert, times, now);
        let inserted = self.database.raw(self.database.collection(ALERTS).insert_one(log)).await?;
        match inserted {
            Ok(_) => Ok(Raised::Told),
            // Another replica was faster by a moment.
            Err(error) if is_duplicate(&error) => self.count(doc! { "_id": id }, now).await.map(|_| Raised::Counted),
            Err(error) => Err(store_error(&error)),
        }
    }

    async fn count(&self, filter: Document, now: Timestamp) -> Result<bool, StoreError> {
        let once_more = doc! { "$inc": { "count": 1_i64 }, "$max": { "lastAt": date(now) } };
        let log = self.database.collection::<Document>(ALERTS);
        let counted = self.database.within(log.update_one(filter, once_more)).await?;
        Ok(counted.matched_count > 0)
    }
}

/// What an alert is about, without ambiguity: as a JSON array.
fn subject(alert: &Alert) -> String {
    serde_json::json!([alert.org_id.map(|org| org.0), alert.kind, alert.key]).to_string()
}

fn open(alert: &Alert, now: Timestamp) -> Document {
    let subject = subject(alert);
    // `A` follows `@`: everything about this subject, and nothing else.
    let ids = doc! { "$gte": format!("{subject}@"), "$lt": format!("{subject}A") };
    doc! { "_id": ids, "quietUntil": { "$gt": date(now) } }
}

/// Two replicas that open the same quiet time at once come to the same id, and one of them is refused.
fn opened(alert: &Alert, quiet: Duration, now: Timestamp) -> String {
    let begun = now.timestamp_millis().div_euclid(millis(quiet).max(1));
    format!("{}@{begun}", subject(alert))
}

fn document(id: &str, alert: &Alert, times: AlertTimes, now: Timestamp) -> Document {
    let Alert {
        org_id,
        kind,
        key,
        severity,
        message,
        at,
    } = alert;
    doc! {
        "_id": id,
        "orgId": org_id.map(|org| org.0),
        "kind": kind,
        "key": key,
        "severity": severity.as_str(),
        "message": message,
        "at": date(*at),
        "count": 1_i64,
        "firstAt": date(now),
        "lastAt": date(now),
        "quietUntil": date(now + times.quiet),
        "expiresAt": date(now + times.keep),
    }
}
