//! Storing reports: counted, reopening, or opening an incident.

use ig_core::alert::{AlertReport, Fingerprint, IncidentStatus, REOPEN_WINDOW, Severity};
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::incident_document::{IncidentDocument, SubjectDocument};
use super::{AlertTimes, Alerts, RaiseOutcome, TRIES, changes_too_often, open_incident};
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long, object_id, timestamp};
use crate::names::{ALERTS, ORGANIZATIONS};

const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rank {
    severity_rank: Option<i32>,
}

/// What decides whether the latest incident of some trouble takes another report.
#[derive(Debug, Deserialize)]
struct Latest {
    #[serde(rename = "_id")]
    id: String,
    status: String,
    resolved: Option<At>,
}

#[derive(Debug, Deserialize)]
struct At {
    at: bson::DateTime,
}

impl Latest {
    fn is_open(&self) -> bool {
        self.status != IncidentStatus::Resolved.as_str()
    }

    fn takes_reports(&self, now: Timestamp) -> bool {
        let until = self.resolved.as_ref().map(|resolved| timestamp(resolved.at) + REOPEN_WINDOW);
        until.is_some_and(|until| now < until)
    }

    /// Its number among the incidents of its trouble.
    fn number(&self) -> u64 {
        let digits = self.id.rsplit_once('@').map(|(_, digits)| digits);
        digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnRetention {
    retention_days: Option<i64>,
}

impl Alerts {
    pub(super) async fn store_report(
        &self,
        fingerprint: &Fingerprint,
        report: &AlertReport,
        times: AlertTimes,
        now: Timestamp,
    ) -> Result<RaiseOutcome, StoreError> {
        for _ in 0..TRIES {
            if self.count(fingerprint, report, now).await? {
                return Ok(RaiseOutcome::Repeated);
            }
            if let Some(outcome) = self.reopen_or_open(fingerprint, report, times, now).await? {
                return Ok(outcome);
            }
        }
        Err(changes_too_often())
    }

    /// Counts a repetition of an open incident; returns whether there is one.
    async fn count(&self, fingerprint: &Fingerprint, report: &AlertReport, now: Timestamp) -> Result<bool, StoreError> {
        let incidents = self.database.collection::<Rank>(ALERTS);
        let open = open_incident(fingerprint);
        let once_more = doc! {
            "$inc": { "count": 1_i64 },
            "$max": { "lastAt": date(now), "reportedAt": date(report.alert.at) },
            "$set": latest(report),
        };
        let counted = incidents
            .find_one_and_update(open.clone(), once_more)
            .projection(doc! { "severityRank": 1 })
            .return_document(ReturnDocument::Before);
        let Some(before) = self.database.within(counted).await? else {
            return Ok(false);
        };
        let severity = report.alert.severity;
        if before.severity_rank.is_some_and(|rank| rank < i32::from(severity.rank())) {
            self.raise_severity(open, severity, now).await?;
        }
        Ok(true)
    }

    async fn raise_severity(&self, mut open: Document, severity: Severity, now: Timestamp) -> Result<(), StoreError> {
        let rank = i32::from(severity.rank());
        open.insert("severityRank", doc! { "$lt": rank });
        let worse = doc! {
            "$set": { "severity": severity.as_str(), "severityRank": rank, "lookAt": date(now) },
            "$inc": { "version": 1_i64 },
        };
        let incidents = self.database.collection::<Document>(ALERTS);
        self.database.within(incidents.update_one(open, worse)).await.map(drop)
    }

    /// `None` where another process was faster, so that there is an open incident by now.
    async fn reopen_or_open(
        &self,
        fingerprint: &Fingerprint,
        report: &AlertReport,
        times: AlertTimes,
        now: Timestamp,
    ) -> Result<Option<RaiseOutcome>, StoreError> {
        let latest = self.latest(fingerprint).await?;
        // A report of an end is a record of its own, and never open.
        let is_end = report.ends().is_some();
        match latest {
            Some(latest) if latest.is_open() => Ok(None),
            Some(latest) if latest.takes_reports(now) && !is_end => self.reopen(latest.id, report, now).await,
            Some(latest) => {
                self.open(incident_id(fingerprint, latest.number() + 1), report, times, now)
                    .await
            }
            None => self.open(incident_id(fingerprint, 0), report, times, now).await,
        }
    }

    async fn latest(&self, fingerprint: &Fingerprint) -> Result<Option<Latest>, StoreError> {
        let incidents = self.database.collection::<Latest>(ALERTS);
        // `A` follows `@`: the range holds the ids of this trouble and no others.
        let ids = doc! { "$gte": format!("{fingerprint}@"), "$lt": format!("{fingerprint}A") };
        let latest = incidents
            .find_one(doc! { "_id": ids })
            .sort(doc! { "_id": -1 })
            .projection(doc! { "status": 1, "resolved.at": 1 });
        self.database.within(latest).await
    }

    async fn reopen(&self, id: String, report: &AlertReport, now: Timestamp) -> Result<Option<RaiseOutcome>, StoreError> {
        let mut set = latest(report);
        set.extend(doc! {
            "status": IncidentStatus::Open.as_str(),
            "openedAt": date(now),
            "severity": report.alert.severity.as_str(),
            "severityRank": i32::from(report.alert.severity.rank()),
            "acknowledged": Bson::Null,
            "resolved": Bson::Null,
            "lookAt": date(now),
        });
        let reopened = doc! {
            "$set": set,
            "$unset": { "expiresAt": "" },
            "$inc": { "count": 1_i64, "reopened": 1_i64, "version": 1_i64 },
            "$max": { "lastAt": date(now), "reportedAt": date(report.alert.at) },
        };
        let ended = doc! { "_id": id, "status": IncidentStatus::Resolved.as_str() };
        let incidents = self.database.collection::<Document>(ALERTS);
        let changed = self.database.within(incidents.update_one(ended, reopened)).await?;
        Ok((changed.matched_count > 0).then_some(RaiseOutcome::Reopened))
    }

    async fn open(
        &self,
        id: String,
        report: &AlertReport,
        times: AlertTimes,
        now: Timestamp,
    ) -> Result<Option<RaiseOutcome>, StoreError> {
        let keep = self.own_retention(report).await?.unwrap_or(times.keep);
        let times = AlertTimes { keep, ..times };
        let opened = IncidentDocument::opened(id, report, times, now);
        let opened = if report.ends().is_some() { opened.ended(now) } else { opened };
        let incidents = self.database.collection::<IncidentDocument>(ALERTS);
        match self.database.raw(incidents.insert_one(opened)).await? {
            Ok(_) => Ok(Some(RaiseOutcome::New)),
            // Another process opened it first.
            Err(error) if is_duplicate(&error) => Ok(None),
            Err(error) => Err(store_error(&error)),
        }
    }

    /// The retention of logs that the organisation has set.
    async fn own_retention(&self, report: &AlertReport) -> Result<Option<std::time::Duration>, StoreError> {
        let Some(org) = report.alert.org_id else {
            return Ok(None);
        };
        let organizations = self.database.collection::<OwnRetention>(ORGANIZATIONS);
        let own = organizations
            .find_one(doc! { "_id": org.0 })
            .projection(doc! { "retentionDays": 1 });
        let days = self.database.within(own).await?.and_then(|own| own.retention_days);
        let millis = days.and_then(|days| u64::try_from(days.saturating_mul(DAY_MS)).ok());
        Ok(millis.map(std::time::Duration::from_millis))
    }
}

/// Two processes that open an incident at once arrive at the same identifier, and the second insert fails. Numbers have six digits, so that
/// identifiers sort by them.
fn incident_id(fingerprint: &Fingerprint, number: u64) -> String {
    format!("{fingerprint}@{number:06}")
}

/// The fields that the latest report decides.
fn latest(report: &AlertReport) -> Document {
    let AlertReport { alert, details } = report;
    let mut set = doc! { "message": &alert.message };
    let subject = details.subject.clone().map(|subject| {
        let SubjectDocument { id, name } = subject.into();
        doc! { "id": id, "name": name }
    });
    let known: [(&str, Option<Bson>); 5] = [
        ("subject", subject.map(Bson::from)),
        ("integrationConfigId", details.integration.map(|id| object_id(id.0).into())),
        ("rid", details.unit.map(|unit| unit.0.into())),
        ("waiting", details.waiting.map(|waiting| long(waiting).into())),
        ("lastError", details.last_error.clone().map(Bson::from)),
    ];
    let known = known
        .into_iter()
        .filter_map(|(field, value)| Some((field.to_owned(), value?)));
    set.extend(known);
    set
}
