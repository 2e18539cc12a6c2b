//! A notice as stored, with what it says at the time at which it became due.

use std::collections::BTreeMap;

use ig_core::alert::{
    AlertSubject, ChannelId, DueNotice, Fingerprint, Incident, IncidentId, IncidentState, NoticeKey, NoticeStatus, QueuedNotice,
    Severity, TellingKind,
};
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::digest::{DigestContent, DigestDocument};
use crate::alerts::{SubjectDocument, small};
use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};

/// What a notice says about one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentContent {
    /// The incident.
    pub incident: IncidentId,
    /// What it tells of it.
    pub kind: TellingKind,
    /// The person that takes care of it, in a notice that says so.
    pub acknowledged_by: Option<String>,
    /// The incident's fingerprint.
    pub fingerprint: Fingerprint,
    /// The kind of alert.
    pub alert_kind: String,
    /// The key of the alert.
    pub alert_key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub message: String,
    /// What it is about.
    pub subject: Option<AlertSubject>,
    /// The integration that it is about.
    pub integration: Option<IntegrationId>,
    /// The unit that it is about.
    pub unit: Option<Rid>,
    /// When it was first reported.
    pub since: Timestamp,
    /// When it was last reported; when it ended, in a notice that says so.
    pub last_seen: Timestamp,
    /// How many reports there were.
    pub count: u64,
    /// How many deliveries wait.
    pub waiting: Option<u64>,
    /// The last error.
    pub last_error: Option<String>,
}

/// What a notice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeContent {
    /// Something about one incident.
    Incident(Box<IncidentContent>),
    /// That several incidents are open.
    Digest(DigestContent),
    /// That all incidents that a digest told of have ended.
    DigestEnded {
        /// When the digest went out.
        since: Timestamp,
    },
}

/// A notice for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNotice {
    /// Its identifier.
    pub key: NoticeKey,
    /// The tenant; `None` for the platform.
    pub org_id: Option<OrgId>,
    /// Its channel.
    pub channel: ChannelId,
    /// Its number among the notices of its incident, or among the digests of its channel.
    pub number: u32,
    /// What became of it.
    pub status: NoticeStatus,
    /// What it says.
    pub content: NoticeContent,
    /// How often it was sent, in vain but for the last time.
    pub attempts: u32,
    /// Why the last attempt failed, in a sentence that a tenant may read.
    pub failure: Option<String>,
    /// The recipients that do not have it yet, where others have.
    pub remaining: Option<Vec<String>>,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// When it became due.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowDocument {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) org_id: Option<i64>,
    pub(super) channel: ObjectId,
    pub(super) number: i64,
    pub(super) status: String,
    pub(super) due_at: bson::DateTime,
    pub(super) digest_from: Option<i64>,
    pub(super) answers: Vec<String>,
    pub(super) attempts: i64,
    pub(super) failure: Option<String>,
    pub(super) remaining: Option<Vec<String>>,
    pub(super) next_attempt_at: Option<bson::DateTime>,
    pub(super) claim_id: Option<String>,
    /// One of the three is there.
    pub(super) incident: Option<ContentDocument>,
    pub(super) digest: Option<DigestDocument>,
    pub(super) digest_ended_since: Option<bson::DateTime>,
    pub(super) created_at: bson::DateTime,
    pub(super) updated_at: bson::DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<bson::DateTime>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentDocument {
    id: String,
    kind: String,
    acknowledged_by: Option<String>,
    fingerprint: String,
    alert_kind: String,
    alert_key: String,
    severity: String,
    message: String,
    subject: Option<SubjectDocument>,
    integration_config_id: Option<ObjectId>,
    rid: Option<i64>,
    since: bson::DateTime,
    last_seen: bson::DateTime,
    count: i64,
    waiting: Option<i64>,
    last_error: Option<String>,
}

/// The part of a row that decides when it goes out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueuedRow {
    #[serde(rename = "_id")]
    id: String,
    due_at: bson::DateTime,
    digest_from: Option<i64>,
    answers: Vec<String>,
    incident: QueuedIncident,
}

#[derive(Debug, Deserialize)]
struct QueuedIncident {
    id: String,
    kind: String,
}

impl QueuedRow {
    pub(super) fn fields() -> Document {
        doc! { "dueAt": 1, "digestFrom": 1, "answers": 1, "incident.id": 1, "incident.kind": 1 }
    }

    pub(super) fn answered(&self) -> impl Iterator<Item = &str> {
        self.answers.iter().map(String::as_str)
    }

    pub(super) fn into_queued(self, statuses: &BTreeMap<String, NoticeStatus>) -> Result<QueuedNotice, StoreError> {
        Ok(QueuedNotice {
            incident: IncidentId(self.incident.id),
            kind: read_kind(&self.incident.kind)?,
            due_at: timestamp(self.due_at),
            digest_from: self.digest_from.map(small),
            answers: self.answers.iter().filter_map(|key| statuses.get(key)).copied().collect(),
            key: NoticeKey(self.id),
        })
    }
}

fn read_kind(text: &str) -> Result<TellingKind, StoreError> {
    TellingKind::parse(text).ok_or_else(|| unreadable("incident.kind"))
}

impl RowDocument {
    /// A notice about an incident that waits for its channel's turn.
    pub(super) fn waiting(incident: &Incident, notice: &DueNotice) -> Self {
        let DueNotice {
            key,
            channel,
            kind,
            number,
            due_at,
            digest_from,
            answers,
        } = notice;
        Self {
            id: key.0.clone(),
            org_id: incident.alert.org_id.map(|org| org.0),
            channel: object_id(channel.0),
            number: i64::from(*number),
            status: NoticeStatus::Waiting.as_str().to_owned(),
            due_at: date(*due_at),
            digest_from: digest_from.map(i64::from),
            answers: answers.iter().map(|key| key.0.clone()).collect(),
            attempts: 0,
            failure: None,
            remaining: None,
            next_attempt_at: None,
            claim_id: None,
            incident: Some(ContentDocument::of(incident, *kind)),
            digest: None,
            digest_ended_since: None,
            created_at: date(*due_at),
            updated_at: date(*due_at),
            expires_at: None,
        }
    }
}

impl ContentDocument {
    fn of(incident: &Incident, kind: TellingKind) -> Self {
        let (alert, details) = (incident.alert.clone(), incident.details.clone());
        let (acknowledged_by, ended_at) = match &incident.state {
            IncidentState::Open => (None, None),
            IncidentState::Acknowledged(acknowledgement) => (Some(acknowledgement.by.clone()), None),
            IncidentState::Resolved(resolution) => (None, Some(resolution.at)),
        };
        Self {
            id: incident.id.0.clone(),
            kind: kind.as_str().to_owned(),
            acknowledged_by,
            fingerprint: incident.fingerprint.as_str().to_owned(),
            alert_kind: alert.kind,
            alert_key: alert.key,
            severity: alert.severity.as_str().to_owned(),
            message: alert.message,
            subject: details.subject.map(SubjectDocument::from),
            integration_config_id: details.integration.map(|id| object_id(id.0)),
            rid: details.unit.map(|unit| unit.0),
            since: date(incident.first_at),
            last_seen: date(ended_at.unwrap_or(incident.last_at)),
            count: long(incident.count),
            waiting: details.waiting.map(long),
            last_error: details.last_error,
        }
    }
}

impl TryFrom<ContentDocument> for IncidentContent {
    type Error = StoreError;

    fn try_from(stored: ContentDocument) -> Result<Self, StoreError> {
        Ok(Self {
            incident: IncidentId(stored.id),
            kind: read_kind(&stored.kind)?,
            acknowledged_by: stored.acknowledged_by,
            fingerprint: Fingerprint::stored(stored.fingerprint),
            alert_kind: stored.alert_kind,
            alert_key: stored.alert_key,
            severity: Severity::parse(&stored.severity).ok_or_else(|| unreadable("incident.severity"))?,
            message: stored.message,
            subject: stored.subject.map(AlertSubject::from),
            integration: stored.integration_config_id.map(|id| IntegrationId(id.bytes())),
            unit: stored.rid.map(Rid),
            since: timestamp(stored.since),
            last_seen: timestamp(stored.last_seen),
            count: unsigned(stored.count),
            waiting: stored.waiting.map(unsigned),
            last_error: stored.last_error,
        })
    }
}

impl TryFrom<RowDocument> for StoredNotice {
    type Error = StoreError;

    fn try_from(stored: RowDocument) -> Result<Self, StoreError> {
        let content = match (stored.incident, stored.digest, stored.digest_ended_since) {
            (Some(incident), _, _) => NoticeContent::Incident(Box::new(incident.try_into()?)),
            (None, Some(digest), _) => NoticeContent::Digest(digest.try_into()?),
            (None, None, Some(since)) => NoticeContent::DigestEnded { since: timestamp(since) },
            (None, None, None) => return Err(unreadable("incident")),
        };
        Ok(Self {
            key: NoticeKey(stored.id),
            org_id: stored.org_id.map(OrgId),
            channel: ChannelId(stored.channel.bytes()),
            number: small(stored.number),
            status: NoticeStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))?,
            content,
            attempts: small(stored.attempts),
            failure: stored.failure,
            remaining: stored.remaining,
            next_attempt_at: stored.next_attempt_at.map(timestamp),
            created_at: timestamp(stored.created_at),
            updated_at: timestamp(stored.updated_at),
        })
    }
}
