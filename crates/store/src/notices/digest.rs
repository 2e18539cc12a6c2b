//! Digests: many incidents in one notice.

use ig_core::alert::{DigestMark, Flush, NoticeKey, NoticeStatus, Severity};
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{self, doc};
use serde::{Deserialize, Serialize};

use super::row::RowDocument;
use super::{Notices, QueueClaim, texts};
use crate::alerts::SubjectDocument;
use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};

/// How many incidents a digest names.
const MAX_NAMED: usize = 20;

/// One incident of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestEntryContent {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of alert.
    pub alert_kind: String,
    /// The name of what it is about, or the alert's key.
    pub subject: String,
    /// When it was first reported.
    pub since: Timestamp,
    /// How many reports there were.
    pub count: u64,
}

/// What a digest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestContent {
    /// When the first digest of those that are still open went out.
    pub since: Timestamp,
    /// The worst incidents and the oldest of these, at most 20.
    pub entries: Vec<DigestEntryContent>,
    /// How many incidents it tells of.
    pub total: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DigestDocument {
    since: bson::DateTime,
    entries: Vec<EntryDocument>,
    total: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryDocument {
    severity: String,
    alert_kind: String,
    subject: String,
    since: bson::DateTime,
    count: i64,
}

/// The part of a notice that a digest names.
#[derive(Debug, Deserialize)]
struct Named {
    incident: NamedIncident,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedIncident {
    severity: String,
    alert_kind: String,
    alert_key: String,
    subject: Option<SubjectDocument>,
    since: bson::DateTime,
    count: i64,
}

impl Notices {
    /// The rows of the digests that a flush makes.
    pub(super) async fn digests(
        &self,
        claim: &QueueClaim,
        flush: &Flush,
        now: Timestamp,
    ) -> Result<Vec<RowDocument>, StoreError> {
        let mut rows = Vec::new();
        if let Some(mark) = flush.digest {
            let digest = self.digest_of(&flush.digested, mark).await?;
            rows.push(RowDocument {
                digest: Some(digest),
                ..RowDocument::ready(claim, mark, now)
            });
        }
        if let Some(mark) = flush.ended_digest {
            rows.push(RowDocument {
                digest_ended_since: Some(date(mark.since)),
                ..RowDocument::ready(claim, mark, now)
            });
        }
        Ok(rows)
    }

    async fn digest_of(&self, keys: &[NoticeKey], mark: DigestMark) -> Result<DigestDocument, StoreError> {
        let rows = self.rows::<Named>();
        let fields = doc! {
            "incident.severity": 1, "incident.alertKind": 1, "incident.alertKey": 1, "incident.subject": 1, "incident.since": 1,
            "incident.count": 1,
        };
        let named = rows.find(doc! { "_id": { "$in": texts(keys) } }).projection(fields);
        let mut named = self.database.all(named).await?;
        let rank = |severity: &str| Severity::parse(severity).map_or(0, Severity::rank);
        named.sort_by_key(|Named { incident }| (std::cmp::Reverse(rank(&incident.severity)), incident.since));
        named.truncate(MAX_NAMED);
        Ok(DigestDocument {
            since: date(mark.since),
            entries: named.into_iter().map(EntryDocument::from).collect(),
            total: long(keys.len() as u64),
        })
    }
}

impl RowDocument {
    /// A notice of a channel's digests, to be sent at once.
    fn ready(claim: &QueueClaim, mark: DigestMark, now: Timestamp) -> Self {
        Self {
            id: format!("{}-digest-{}-{}", claim.channel, mark.since.timestamp_millis(), mark.number),
            org_id: claim.org_id.map(|org| org.0),
            channel: object_id(claim.channel.0),
            number: i64::from(mark.number),
            status: NoticeStatus::Ready.as_str().to_owned(),
            due_at: date(now),
            digest_from: None,
            answers: Vec::new(),
            attempts: 0,
            failure: None,
            remaining: None,
            next_attempt_at: None,
            claim_id: None,
            incident: None,
            digest: None,
            digest_ended_since: None,
            created_at: date(now),
            updated_at: date(now),
            expires_at: None,
        }
    }
}

impl From<Named> for EntryDocument {
    fn from(Named { incident }: Named) -> Self {
        let NamedIncident {
            severity,
            alert_kind,
            alert_key,
            subject,
            since,
            count,
        } = incident;
        Self {
            severity,
            alert_kind,
            subject: subject.map_or(alert_key, |subject| subject.name),
            since,
            count,
        }
    }
}

impl TryFrom<DigestDocument> for DigestContent {
    type Error = StoreError;

    fn try_from(stored: DigestDocument) -> Result<Self, StoreError> {
        let DigestDocument { since, entries, total } = stored;
        Ok(Self {
            since: timestamp(since),
            entries: entries
                .into_iter()
                .map(DigestEntryContent::try_from)
                .collect::<Result<_, _>>()?,
            total: unsigned(total),
        })
    }
}

impl TryFrom<EntryDocument> for DigestEntryContent {
    type Error = StoreError;

    fn try_from(stored: EntryDocument) -> Result<Self, StoreError> {
        let EntryDocument {
            severity,
            alert_kind,
            subject,
            since,
            count,
        } = stored;
        Ok(Self {
            severity: Severity::parse(&severity).ok_or_else(|| unreadable("digest.severity"))?,
            alert_kind,
            subject,
            since: timestamp(since),
            count: unsigned(count),
        })
    }
}
