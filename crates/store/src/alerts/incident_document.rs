//! An incident as stored. A document of an earlier version is an alert that was told once, and reads as an incident that has ended.

use ig_core::alert::{
    Acknowledgement, Alert, AlertDetails, AlertReport, AlertSubject, DueNotice, Ending, Fingerprint, Incident, IncidentId,
    IncidentState, IncidentStatus, Resolution, ResolvedBy, Severity, Told,
};
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::AlertTimes;
use super::told_document::{DueNoticeDocument, ToldDocument, small};
use crate::error::unreadable;
use crate::field::{date, long, millis, object_id, timestamp, unsigned};

/// How the end of an incident is stored, where no person ended it.
const BY_REPORT: &str = "REPORT";
const BY_QUIET: &str = "QUIET";
const BY_PERSON: &str = "PERSON";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentDocument {
    #[serde(rename = "_id")]
    id: String,
    org_id: Option<i64>,
    kind: String,
    key: String,
    severity: String,
    message: String,
    at: bson::DateTime,
    count: i64,
    first_at: bson::DateTime,
    last_at: bson::DateTime,
    quiet_until: bson::DateTime,
    /// Absent in documents of an earlier version, as is everything below.
    fingerprint: Option<String>,
    status: Option<String>,
    severity_rank: Option<i32>,
    ending: Option<String>,
    reported_at: Option<bson::DateTime>,
    opened_at: Option<bson::DateTime>,
    reopened: Option<i64>,
    held: Option<bool>,
    subject: Option<SubjectDocument>,
    integration_config_id: Option<ObjectId>,
    rid: Option<i64>,
    waiting: Option<i64>,
    last_error: Option<String>,
    acknowledged: Option<AcknowledgedDocument>,
    resolved: Option<ResolvedDocument>,
    told: Option<Vec<ToldDocument>>,
    /// Notices that are due and not known to be in the outbox yet.
    outgoing: Option<Vec<DueNoticeDocument>>,
    version: Option<i64>,
    keep_for_ms: Option<i64>,
    /// When to look again; absent when nothing can become due.
    #[serde(skip_serializing_if = "Option::is_none")]
    look_at: Option<bson::DateTime>,
    /// Absent while the incident is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<bson::DateTime>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SubjectDocument {
    pub(crate) id: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct AcknowledgedDocument {
    by: String,
    note: Option<String>,
    at: bson::DateTime,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ResolvedDocument {
    by: String,
    person: Option<String>,
    note: Option<String>,
    at: bson::DateTime,
}

/// An incident that it is time to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueIncident {
    /// The incident.
    pub incident: Incident,
    /// Notices that an earlier look found due and that may not be in the outbox yet.
    pub(super) outgoing: Vec<DueNotice>,
    pub(super) keep_for_ms: i64,
}

impl IncidentDocument {
    /// A new incident.
    pub(super) fn opened(id: String, report: &AlertReport, times: AlertTimes, now: Timestamp) -> Self {
        let fingerprint = report.fingerprint();
        let ending = report.ending();
        let AlertReport { alert, details } = report;
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert.clone();
        let AlertDetails {
            subject,
            integration,
            unit,
            waiting,
            last_error,
            ending: _,
        } = details.clone();
        Self {
            id,
            org_id: org_id.map(|org| org.0),
            kind,
            key,
            severity: severity.as_str().to_owned(),
            message,
            at: date(at),
            count: 1,
            first_at: date(now),
            last_at: date(now),
            quiet_until: date(now + times.quiet),
            fingerprint: Some(fingerprint.as_str().to_owned()),
            status: Some(IncidentStatus::Open.as_str().to_owned()),
            severity_rank: Some(severity.rank().into()),
            ending: Some(ending.as_str().to_owned()),
            reported_at: Some(date(at)),
            opened_at: Some(date(now)),
            reopened: Some(0),
            held: Some(false),
            subject: subject.map(SubjectDocument::from),
            integration_config_id: integration.map(|id| object_id(id.0)),
            rid: unit.map(|unit| unit.0),
            waiting: waiting.map(long),
            last_error,
            acknowledged: None,
            resolved: None,
            told: Some(Vec::new()),
            outgoing: Some(Vec::new()),
            version: Some(0),
            keep_for_ms: Some(millis(times.keep)),
            look_at: Some(date(now)),
            expires_at: None,
        }
    }

    /// The same, ended at once.
    pub(super) fn ended(self, now: Timestamp) -> Self {
        let keep_for_ms = self.keep_for_ms.unwrap_or_default();
        Self {
            status: Some(IncidentStatus::Resolved.as_str().to_owned()),
            resolved: Some(ResolvedDocument::from(Resolution {
                by: ResolvedBy::Report,
                note: None,
                at: now,
            })),
            look_at: None,
            expires_at: Some(expiry(keep_for_ms, now)),
            ..self
        }
    }
}

/// When an incident that ends now is deleted.
pub(crate) fn expiry(keep_for_ms: i64, now: Timestamp) -> bson::DateTime {
    bson::DateTime::from_millis(date(now).timestamp_millis().saturating_add(keep_for_ms))
}

/// The change that stores a state.
pub(super) fn state_change(state: &IncidentState, keep_for_ms: i64, now: Timestamp) -> Document {
    let status = state.status().as_str();
    match state {
        IncidentState::Open => doc! { "$set": { "status": status } },
        IncidentState::Acknowledged(acknowledgement) => {
            let Acknowledgement { by, note, at } = acknowledgement;
            let acknowledged = doc! { "by": by, "note": note, "at": date(*at) };
            doc! { "$set": { "status": status, "acknowledged": acknowledged, "lookAt": date(now) } }
        }
        IncidentState::Resolved(resolution) => {
            let ResolvedDocument { by, person, note, at } = resolution.clone().into();
            let resolved = doc! { "by": by, "person": person, "note": note, "at": at };
            let set = doc! {
                "status": status,
                "resolved": resolved,
                "lookAt": date(now),
                "expiresAt": expiry(keep_for_ms, now),
            };
            doc! { "$set": set }
        }
    }
}

impl From<AlertSubject> for SubjectDocument {
    fn from(AlertSubject { id, name }: AlertSubject) -> Self {
        Self { id, name }
    }
}

impl From<SubjectDocument> for AlertSubject {
    fn from(SubjectDocument { id, name }: SubjectDocument) -> Self {
        Self { id, name }
    }
}

impl From<Resolution> for ResolvedDocument {
    fn from(Resolution { by, note, at }: Resolution) -> Self {
        let (by, person) = match by {
            ResolvedBy::Report => (BY_REPORT, None),
            ResolvedBy::Quiet => (BY_QUIET, None),
            ResolvedBy::Person(person) => (BY_PERSON, Some(person)),
        };
        Self {
            by: by.to_owned(),
            person,
            note,
            at: date(at),
        }
    }
}

impl From<ResolvedDocument> for Resolution {
    fn from(ResolvedDocument { by, person, note, at }: ResolvedDocument) -> Self {
        let by = match (person, by.as_str()) {
            (Some(person), _) => ResolvedBy::Person(person),
            (None, BY_REPORT) => ResolvedBy::Report,
            (None, _) => ResolvedBy::Quiet,
        };
        Self {
            by,
            note,
            at: timestamp(at),
        }
    }
}

impl TryFrom<IncidentDocument> for DueIncident {
    type Error = StoreError;

    fn try_from(mut stored: IncidentDocument) -> Result<Self, StoreError> {
        let outgoing = stored.outgoing.take().unwrap_or_default();
        let keep_for_ms = stored.keep_for_ms.unwrap_or_default();
        Ok(Self {
            outgoing: outgoing.into_iter().map(DueNotice::try_from).collect::<Result<_, _>>()?,
            keep_for_ms,
            incident: stored.try_into()?,
        })
    }
}

impl TryFrom<IncidentDocument> for Incident {
    type Error = StoreError;

    fn try_from(stored: IncidentDocument) -> Result<Self, StoreError> {
        let state = state_of(&stored)?;
        let org_id = stored.org_id.map(OrgId);
        let fingerprint = match stored.fingerprint {
            Some(fingerprint) => Fingerprint::stored(fingerprint),
            None => Fingerprint::of(org_id, &stored.kind, &stored.key),
        };
        let ending = stored
            .ending
            .as_deref()
            .map(|text| Ending::parse(text).ok_or_else(|| unreadable("ending")));
        let told = stored.told.unwrap_or_default();
        Ok(Self {
            id: IncidentId(stored.id),
            fingerprint,
            alert: Alert {
                org_id,
                kind: stored.kind,
                key: stored.key,
                severity: Severity::parse(&stored.severity).ok_or_else(|| unreadable("severity"))?,
                message: stored.message,
                at: timestamp(stored.at),
            },
            details: AlertDetails {
                subject: stored.subject.map(AlertSubject::from),
                integration: stored.integration_config_id.map(|id| IntegrationId(id.bytes())),
                unit: stored.rid.map(Rid),
                waiting: stored.waiting.map(unsigned),
                last_error: stored.last_error,
                ending: None,
            },
            ending: ending.transpose()?.unwrap_or(Ending::Quiet),
            state,
            count: unsigned(stored.count),
            first_at: timestamp(stored.first_at),
            last_at: timestamp(stored.last_at),
            opened_at: timestamp(stored.opened_at.unwrap_or(stored.first_at)),
            reopened: small(stored.reopened.unwrap_or_default()),
            held: stored.held.unwrap_or_default(),
            told: told.into_iter().map(Told::try_from).collect::<Result<_, _>>()?,
            version: unsigned(stored.version.unwrap_or_default()),
        })
    }
}

fn state_of(stored: &IncidentDocument) -> Result<IncidentState, StoreError> {
    let Some(status) = &stored.status else {
        return Ok(IncidentState::Resolved(Resolution {
            by: ResolvedBy::Quiet,
            note: None,
            at: timestamp(stored.quiet_until),
        }));
    };
    let (acknowledged, resolved) = (stored.acknowledged.clone(), stored.resolved.clone());
    let state = match IncidentStatus::parse(status) {
        Some(IncidentStatus::Open) => Some(IncidentState::Open),
        Some(IncidentStatus::Acknowledged) => acknowledged.map(|by| IncidentState::Acknowledged(by.into())),
        Some(IncidentStatus::Resolved) => resolved.map(|by| IncidentState::Resolved(by.into())),
        None => None,
    };
    state.ok_or_else(|| unreadable("status"))
}

impl From<AcknowledgedDocument> for Acknowledgement {
    fn from(AcknowledgedDocument { by, note, at }: AcknowledgedDocument) -> Self {
        Self {
            by,
            note,
            at: timestamp(at),
        }
    }
}
