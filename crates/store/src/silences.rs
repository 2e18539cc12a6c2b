//! Silences: persons hold the notices of some incidents for a while.

mod matcher_document;

use std::time::Duration;

use ig_core::alert::{Silence, SilenceId};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::alerts::Alerts;
use crate::database::{Database, Documents};
use crate::field::{date, object_id, timestamp};
use crate::names::SILENCES;
use crate::page::{Listed, Page, Period, SortTime, TimedSearch, org_filter};
pub(crate) use matcher_document::{MatcherDocument, read_severities};

/// How long an ended silence is listed.
const RETENTION: Duration = Duration::from_hours(90 * 24);
/// The most silences of one organisation that hold at a time; of more, those that end last hold.
const MAX_IN_FORCE: i64 = 1_000;

/// The silences of all organisations and of the platform.
#[derive(Debug, Clone)]
pub struct Silences {
    database: Database,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SilenceDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: Option<i64>,
    matcher: MatcherDocument,
    from: bson::DateTime,
    until: bson::DateTime,
    by: String,
    why: String,
    created_at: bson::DateTime,
    expires_at: bson::DateTime,
}

impl Silences {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a silence.
    pub async fn add(&self, silence: &Silence) -> Result<(), StoreError> {
        let silences = self.silences::<SilenceDocument>();
        self.database
            .within(silences.insert_one(SilenceDocument::from(silence)))
            .await
            .map(drop)
    }

    /// Ends a silence now, so that what it held is told; false where it does not exist or has ended.
    pub async fn end(&self, org: Option<OrgId>, id: SilenceId, now: Timestamp) -> Result<bool, StoreError> {
        let theirs = doc! { "_id": object_id(id.0), "orgId": org.map(|org| org.0), "until": { "$gt": date(now) } };
        let ended = doc! { "$set": { "until": date(now), "expiresAt": date(now + RETENTION) } };
        let silences = self.silences::<Document>();
        let changed = self.database.within(silences.update_one(theirs, ended)).await?;
        Alerts::new(self.database.clone()).look_again(org, now).await?;
        Ok(changed.matched_count > 0)
    }

    /// Reads one silence of an organisation, or of the platform.
    pub async fn get(&self, org: Option<OrgId>, id: SilenceId) -> Result<Option<Silence>, StoreError> {
        let theirs = doc! { "_id": object_id(id.0), "orgId": org.map(|org| org.0) };
        let silences = self.silences::<SilenceDocument>();
        let found = self.database.within(silences.find_one(theirs)).await?;
        found.map(Silence::try_from).transpose()
    }

    /// The silences of an organisation, or of the platform, newest first.
    pub async fn list(&self, org: Option<OrgId>, page: Page) -> Result<Listed<Silence>, StoreError> {
        let search = TimedSearch {
            collection: SILENCES,
            query: org_filter(org.map(|org| org.0), []),
            keys: &["orgId"],
            time: SortTime::CREATED,
            period: Period::default(),
            without: None,
        };
        let listed = self.database.latest::<SilenceDocument>(search, page).await?;
        listed.try_map(Silence::try_from)
    }

    /// The silences of an organisation, or of the platform, that hold now.
    pub async fn in_force(&self, org: Option<OrgId>, now: Timestamp) -> Result<Vec<Silence>, StoreError> {
        let silences = self.silences::<SilenceDocument>();
        let theirs = doc! { "orgId": org.map(|org| org.0), "until": { "$gt": date(now) }, "from": { "$lte": date(now) } };
        let found = silences.find(theirs).sort(doc! { "until": -1 }).limit(MAX_IN_FORCE);
        let found = self.database.all(found).await?;
        found.into_iter().map(Silence::try_from).collect()
    }

    fn silences<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(SILENCES)
    }
}

impl From<&Silence> for SilenceDocument {
    fn from(silence: &Silence) -> Self {
        let Silence {
            id,
            org_id,
            matcher,
            from,
            until,
            by,
            why,
            created_at,
        } = silence.clone();
        Self {
            id: object_id(id.0),
            org_id: org_id.map(|org| org.0),
            matcher: matcher.into(),
            from: date(from),
            until: date(until),
            by,
            why,
            created_at: date(created_at),
            expires_at: date(until + RETENTION),
        }
    }
}

impl TryFrom<SilenceDocument> for Silence {
    type Error = StoreError;

    fn try_from(stored: SilenceDocument) -> Result<Self, StoreError> {
        let SilenceDocument {
            id,
            org_id,
            matcher,
            from,
            until,
            by,
            why,
            created_at,
            expires_at: _,
        } = stored;
        Ok(Self {
            id: SilenceId(id.bytes()),
            org_id: org_id.map(OrgId),
            matcher: matcher.try_into()?,
            from: timestamp(from),
            until: timestamp(until),
            by,
            why,
            created_at: timestamp(created_at),
        })
    }
}
