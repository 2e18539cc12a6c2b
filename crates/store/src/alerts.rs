//! Alerts, as the alert centre lists them: `_id` is the subject of an alert and the quiet period that it opened.

mod owed;
mod stored_alert;
mod tally;

use std::time::Duration;

use ig_core::alert::Alert;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use owed::OwedAlert;
pub use stored_alert::{AlertFilter, StoredAlert};
pub use tally::AlertTally;

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::{date, millis};
use crate::names::ALERTS;

/// What `raise` did with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaiseOutcome {
    /// The alert is new: people have to be notified.
    New,
    /// An earlier alert on the same subject is within its quiet period; this one was counted there.
    Repeated,
}

/// How long an alert suppresses others like it, and how long it is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertTimes {
    /// Within this period a repetition is counted and causes no notification.
    pub quiet: Duration,
    /// After this period it may be deleted.
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

    /// Stores an alert, or counts it where the same organisation, kind and key has an open one.
    pub async fn raise(&self, alert: &Alert, times: AlertTimes, now: Timestamp) -> Result<RaiseOutcome, StoreError> {
        if self.count(open_alert_filter(alert, now), now).await? {
            return Ok(RaiseOutcome::Repeated);
        }
        let id = alert_id(alert, times.quiet, now);
        let log = document(&id, alert, times, now);
        let inserted = self.database.raw(self.database.collection(ALERTS).insert_one(log)).await?;
        match inserted {
            Ok(_) => Ok(RaiseOutcome::New),
            // Another replica inserted it first.
            Err(error) if is_duplicate(&error) => self.count(doc! { "_id": id }, now).await.map(|_| RaiseOutcome::Repeated),
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

/// The subject of an alert, unambiguous as a JSON array.
fn subject(alert: &Alert) -> String {
    serde_json::json!([alert.org_id.map(|org| org.0), alert.kind, alert.key]).to_string()
}

fn open_alert_filter(alert: &Alert, now: Timestamp) -> Document {
    let subject = subject(alert);
    // `A` follows `@`: the range holds the ids of this subject and no others.
    let ids = doc! { "$gte": format!("{subject}@"), "$lt": format!("{subject}A") };
    doc! { "_id": ids, "quietUntil": { "$gt": date(now) } }
}

/// Two replicas that open the same quiet period at once arrive at the same id, and the second insert fails.
fn alert_id(alert: &Alert, quiet: Duration, now: Timestamp) -> String {
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
