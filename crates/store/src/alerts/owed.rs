//! The outbox of alerts: written in the same transaction as their cause, or by a process that cannot reach the alerter.

use ig_core::alert::{Alert, AlertDetails, AlertEnd, AlertReport, AlertSubject, Ending, Fingerprint, Severity};
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use mongodb::options::ReturnDocument;
use serde::{Deserialize, Serialize};

use super::{Alerts, SubjectDocument};
use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};
use crate::names::OWED_ALERTS;

/// Entries older than this expire without a notification.
const RETENTION: chrono::TimeDelta = chrono::TimeDelta::days(30);
/// How long an alerter's claim on an entry lasts.
const CLAIM_LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);
/// How long the end of trouble waits for the report of it.
const END_DELAY: chrono::TimeDelta = chrono::TimeDelta::seconds(1);
/// How many ends one claim passes over.
const MAX_PASSED: usize = 20;

/// What an entry of the outbox says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwedNews {
    /// There is trouble.
    Raised(Box<AlertReport>),
    /// It has ended.
    Ended(AlertEnd),
}

/// News that an alerter still has to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedAlert {
    /// The news.
    pub news: OwedNews,
    id: ObjectId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwedDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: Option<i64>,
    kind: String,
    key: String,
    severity: String,
    message: String,
    at: bson::DateTime,
    /// Absent in entries of an earlier version, as is everything below but the last two.
    fingerprint: Option<String>,
    ends: Option<bool>,
    subject: Option<SubjectDocument>,
    integration_config_id: Option<ObjectId>,
    rid: Option<i64>,
    waiting: Option<i64>,
    last_error: Option<String>,
    ending: Option<String>,
    claimed_until: bson::DateTime,
    expires_at: bson::DateTime,
}

impl OwedAlert {
    /// The alert, where there is trouble.
    pub fn alert(&self) -> Option<&Alert> {
        match &self.news {
            OwedNews::Raised(report) => Some(&report.alert),
            OwedNews::Ended(_) => None,
        }
    }
}

impl Alerts {
    /// Adds an alert to the outbox.
    pub async fn owe(&self, alert: &Alert) -> Result<(), StoreError> {
        self.owe_report(&AlertReport::from(alert.clone())).await
    }

    /// Adds an alert with its details to the outbox.
    pub async fn owe_report(&self, report: &AlertReport) -> Result<(), StoreError> {
        self.insert_owed(OwedDocument::from(report)).await
    }

    /// Adds the end of trouble to the outbox. It takes effect after the reports that are owed by then.
    pub async fn owe_end(&self, end: &AlertEnd) -> Result<(), StoreError> {
        self.insert_owed(OwedDocument::from(end)).await
    }

    async fn insert_owed(&self, document: OwedDocument) -> Result<(), StoreError> {
        let owed = self.database.collection::<OwedDocument>(OWED_ALERTS);
        self.database.within(owed.insert_one(document)).await.map(drop)
    }

    /// Adds an alert to the outbox within the transaction that stores its cause.
    pub(crate) async fn owe_within(&self, session: &mut ClientSession, alert: &Alert) -> mongodb::error::Result<()> {
        let owed = self.database.collection::<OwedDocument>(OWED_ALERTS);
        let document = OwedDocument::from(&AlertReport::from(alert.clone()));
        owed.insert_one(document).session(session).await.map(drop)
    }

    /// Whether the outbox holds a report of this trouble.
    pub(super) async fn owes(&self, fingerprint: &Fingerprint) -> Result<bool, StoreError> {
        let owed = self.database.collection::<Document>(OWED_ALERTS);
        let reported = doc! { "fingerprint": fingerprint.as_str(), "ends": false };
        let found = owed.find_one(reported).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }

    /// Claims one entry that no other alerter has claimed; the claim expires soon unless the entry is settled. An end waits for the reports
    /// before it, which another alerter may be taking at this moment.
    pub async fn claim_owed(&self, now: Timestamp) -> Result<Option<OwedAlert>, StoreError> {
        for _ in 0..MAX_PASSED {
            let Some(owed) = self.claim_any_owed(now).await? else {
                return Ok(None);
            };
            match &owed.news {
                OwedNews::Ended(end) if self.owes(&end.fingerprint()).await? => {
                    self.claim_owed_until(&owed, now + END_DELAY).await?;
                }
                OwedNews::Raised(_) | OwedNews::Ended(_) => return Ok(Some(owed)),
            }
        }
        Ok(None)
    }

    async fn claim_any_owed(&self, now: Timestamp) -> Result<Option<OwedAlert>, StoreError> {
        let owed = self.database.collection::<OwedDocument>(OWED_ALERTS);
        let claim = doc! { "$set": { "claimedUntil": date(now + CLAIM_LEASE) } };
        let taking = owed
            .find_one_and_update(doc! { "claimedUntil": { "$lte": date(now) } }, claim)
            .return_document(ReturnDocument::After);
        self.database.within(taking).await?.map(OwedAlert::try_from).transpose()
    }

    async fn claim_owed_until(&self, owed: &OwedAlert, until: Timestamp) -> Result<(), StoreError> {
        let all = self.database.collection::<Document>(OWED_ALERTS);
        let later = doc! { "$set": { "claimedUntil": date(until) } };
        self.database
            .within(all.update_one(doc! { "_id": owed.id }, later))
            .await
            .map(drop)
    }

    /// Deletes an entry that an alerter has taken.
    pub async fn settle_owed(&self, owed: &OwedAlert) -> Result<(), StoreError> {
        let all = self.database.collection::<Document>(OWED_ALERTS);
        self.database.within(all.delete_one(doc! { "_id": owed.id })).await.map(drop)
    }
}

impl From<&AlertReport> for OwedDocument {
    fn from(report: &AlertReport) -> Self {
        let fingerprint = report.fingerprint();
        let AlertReport { alert, details } = report.clone().bounded();
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert;
        let AlertDetails {
            subject,
            integration,
            unit,
            waiting,
            last_error,
            ending,
        } = details;
        Self {
            id: ObjectId::new(),
            org_id: org_id.map(|org| org.0),
            kind,
            key,
            severity: severity.as_str().to_owned(),
            message,
            at: date(at),
            fingerprint: Some(fingerprint.as_str().to_owned()),
            ends: Some(false),
            subject: subject.map(SubjectDocument::from),
            integration_config_id: integration.map(|id| object_id(id.0)),
            rid: unit.map(|unit| unit.0),
            waiting: waiting.map(long),
            last_error,
            ending: ending.map(|ending| ending.as_str().to_owned()),
            claimed_until: date(at),
            expires_at: date(at + RETENTION),
        }
    }
}

impl From<&AlertEnd> for OwedDocument {
    fn from(end: &AlertEnd) -> Self {
        let AlertEnd { org_id, kind, key, at } = end;
        let report = AlertReport::from(Alert {
            org_id: *org_id,
            kind: kind.clone(),
            key: key.clone(),
            severity: Severity::Info,
            message: String::new(),
            at: *at,
        });
        Self {
            ends: Some(true),
            ..Self::from(&report)
        }
    }
}

impl TryFrom<OwedDocument> for OwedAlert {
    type Error = StoreError;

    fn try_from(document: OwedDocument) -> Result<Self, StoreError> {
        let id = document.id;
        let org_id = document.org_id.map(OrgId);
        let at = timestamp(document.at);
        if document.ends == Some(true) {
            let (kind, key) = (document.kind, document.key);
            let news = OwedNews::Ended(AlertEnd { org_id, kind, key, at });
            return Ok(Self { news, id });
        }
        let ending = document
            .ending
            .as_deref()
            .map(|text| Ending::parse(text).ok_or_else(|| unreadable("ending")));
        let report = AlertReport {
            alert: Alert {
                org_id,
                kind: document.kind,
                key: document.key,
                severity: Severity::parse(&document.severity).ok_or_else(|| unreadable("severity"))?,
                message: document.message,
                at,
            },
            details: AlertDetails {
                subject: document.subject.map(AlertSubject::from),
                integration: document.integration_config_id.map(|id| IntegrationId(id.bytes())),
                unit: document.rid.map(Rid),
                waiting: document.waiting.map(unsigned),
                last_error: document.last_error,
                ending: ending.transpose()?,
            },
        };
        Ok(Self {
            news: OwedNews::Raised(Box::new(report)),
            id,
        })
    }
}
