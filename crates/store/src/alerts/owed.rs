//! The outbox of alerts: written in the same transaction as their cause, or by a process that cannot reach the alerter.

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use mongodb::options::ReturnDocument;
use serde::{Deserialize, Serialize};

use super::Alerts;
use crate::error::unreadable;
use crate::field::{date, timestamp};
use crate::names::OWED_ALERTS;

/// Entries older than this expire without a notification.
const RETENTION: chrono::TimeDelta = chrono::TimeDelta::days(30);
/// How long an alerter's claim on an entry lasts.
const CLAIM_LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// An alert that still has to be delivered to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedAlert {
    /// The alert.
    pub alert: Alert,
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
    claimed_until: bson::DateTime,
    expires_at: bson::DateTime,
}

impl Alerts {
    /// Adds an alert to the outbox.
    pub async fn owe(&self, alert: &Alert) -> Result<(), StoreError> {
        let owed = self.database.collection::<OwedDocument>(OWED_ALERTS);
        self.database
            .within(owed.insert_one(OwedDocument::from(alert)))
            .await
            .map(drop)
    }

    /// Adds an alert to the outbox within the transaction that stores its cause.
    pub(crate) async fn owe_within(&self, session: &mut ClientSession, alert: &Alert) -> mongodb::error::Result<()> {
        let owed = self.database.collection::<OwedDocument>(OWED_ALERTS);
        owed.insert_one(OwedDocument::from(alert)).session(session).await.map(drop)
    }

    /// Claims one entry that no other alerter has claimed; the claim expires soon unless the entry is settled.
    pub async fn claim_owed(&self, now: Timestamp) -> Result<Option<OwedAlert>, StoreError> {
        let owed = self.database.collection::<OwedDocument>(OWED_ALERTS);
        let claim = doc! { "$set": { "claimedUntil": date(now + CLAIM_LEASE) } };
        let taking = owed
            .find_one_and_update(doc! { "claimedUntil": { "$lte": date(now) } }, claim)
            .return_document(ReturnDocument::After);
        self.database.within(taking).await?.map(OwedAlert::try_from).transpose()
    }

    /// Deletes an entry after people were notified.
    pub async fn settle_owed(&self, owed: &OwedAlert) -> Result<(), StoreError> {
        let all = self.database.collection::<Document>(OWED_ALERTS);
        self.database.within(all.delete_one(doc! { "_id": owed.id })).await.map(drop)
    }
}

impl From<&Alert> for OwedDocument {
    fn from(alert: &Alert) -> Self {
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert;
        Self {
            id: ObjectId::new(),
            org_id: org_id.map(|org| org.0),
            kind: kind.clone(),
            key: key.clone(),
            severity: severity.as_str().to_owned(),
            message: message.clone(),
            at: date(*at),
            claimed_until: date(*at),
            expires_at: date(*at + RETENTION),
        }
    }
}

impl TryFrom<OwedDocument> for OwedAlert {
    type Error = StoreError;

    fn try_from(document: OwedDocument) -> Result<Self, StoreError> {
        let OwedDocument {
            id,
            org_id,
            kind,
            key,
            severity,
            message,
            at,
            claimed_until: _,
            expires_at: _,
        } = document;
        let severity = Severity::parse(&severity).ok_or_else(|| unreadable("severity"))?;
        Ok(Self {
            alert: Alert {
                org_id: org_id.map(OrgId),
                kind,
                key,
                severity,
                message,
                at: timestamp(at),
            },
            id,
        })
    }
}
