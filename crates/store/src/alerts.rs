//! Incidents, as the alert centre lists them, and the outbox of alerts that no alerter has taken yet.
//!
//! The incidents of a fingerprint are numbered, and their identifiers follow from their numbers: only the latest is ever open, and a process
//! that loses the race to open it counts instead. A mere repetition is one update; every other change is made under the version that was read. What is due is written into the incident first and into the outbox
//! of notices afterwards, under an identifier that follows from it, so that a crash in between loses nothing and repeats nothing.

mod incident_document;
mod incidents;
mod opening;
mod owed;
mod stored_alert;
mod tally;
mod told_document;

use std::time::Duration;

use ig_core::alert::{Alert, AlertEnd, AlertReport, Fingerprint, IncidentState, IncidentStatus, Resolution, ResolvedBy};
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use incident_document::DueIncident;
pub(crate) use incident_document::{SubjectDocument, expiry};
pub use incidents::IncidentFilter;
pub use owed::{OwedAlert, OwedNews};
pub use stored_alert::{AlertFilter, StoredAlert};
pub use tally::AlertTally;
pub(crate) use told_document::small;

use crate::database::Database;
use crate::field::date;

/// By how much the clocks of two hosts may differ: a report of an end also ends what was reported that much later.
const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// How often a change is tried again that another process forestalled.
const TRIES: usize = 8;

/// What `raise` did with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaiseOutcome {
    /// The alert opened an incident: people have to be notified.
    New,
    /// An incident had ended a short while ago and is open again.
    Reopened,
    /// The incident is open already; the report was counted.
    Repeated,
}

/// How long an alert suppresses others like it, and how long it is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertTimes {
    /// The time from the first report that lists show as the quiet period.
    pub quiet: Duration,
    /// How long after its end it may be deleted, where its organisation has no retention of its own.
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

    /// [`Self::report`] of an alert without details.
    pub async fn raise(&self, alert: &Alert, times: AlertTimes, now: Timestamp) -> Result<RaiseOutcome, StoreError> {
        self.report(&AlertReport::from(alert.clone()), times, now).await
    }

    /// Stores a report durably: in the open incident of its fingerprint, in one that ended less than ten minutes ago, or in a new one.
    pub async fn report(&self, report: &AlertReport, times: AlertTimes, now: Timestamp) -> Result<RaiseOutcome, StoreError> {
        let fingerprint = report.fingerprint();
        if let Some(ended) = report.ends() {
            self.resolve_reported(&ended, report.alert.at, now).await?;
        }
        self.store_report(&fingerprint, &report.clone().bounded(), times, now).await
    }

    /// Ends the open incident of a report, unless trouble was reported after that end. An end that an owed report precedes is owed as well,
    /// so that it comes after it; returns whether an incident ended.
    pub async fn end(&self, end: &AlertEnd, now: Timestamp) -> Result<bool, StoreError> {
        let fingerprint = end.fingerprint();
        if self.owes(&fingerprint).await? {
            self.owe_end(end).await?;
            return Ok(false);
        }
        self.resolve_reported(&fingerprint, end.at, now).await
    }

    pub(super) async fn resolve_reported(
        &self,
        fingerprint: &Fingerprint,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut open = open_incident(fingerprint);
        open.insert("reportedAt", doc! { "$lte": date(at + CLOCK_SKEW) });
        let resolution = Resolution {
            by: ResolvedBy::Report,
            note: None,
            at: now,
        };
        for _ in 0..TRIES {
            let Some(found) = self.find_due(open.clone()).await? else {
                return Ok(false);
            };
            // A report that came meanwhile and is later than the end keeps it open.
            let unchanged = doc! { "reportedAt": { "$lte": date(at + CLOCK_SKEW) } };
            let state = IncidentState::Resolved(resolution.clone());
            if self.change_state(&found, &state, unchanged, now).await? {
                return Ok(true);
            }
        }
        Err(changes_too_often())
    }
}

fn open_incident(fingerprint: &Fingerprint) -> Document {
    doc! { "fingerprint": fingerprint.as_str(), "status": { "$in": open_statuses() } }
}

fn open_statuses() -> Vec<&'static str> {
    vec![IncidentStatus::Open.as_str(), IncidentStatus::Acknowledged.as_str()]
}

fn changes_too_often() -> StoreError {
    StoreError::Unavailable("the incident changes too often at once".to_owned())
}
