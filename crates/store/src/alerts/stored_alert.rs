//! Reading alerts: a page of them, or one.

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::Alerts;
use crate::error::unreadable;
use crate::field::{timestamp, unsigned};
use crate::names::ALERTS;
use crate::page::{Listed, Page, Period, SortTime, TimedSearch, org_filter};

/// A stored alert: people were notified of the first report, and later reports within the quiet period were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlert {
    /// Its identifier: its subject and the quiet period that it opened.
    pub id: String,
    /// The first report.
    pub alert: Alert,
    /// How many reports there were.
    pub count: u64,
    /// When it was first reported.
    pub first_at: Timestamp,
    /// When it was last reported.
    pub last_at: Timestamp,
    /// The end of the quiet period, until which reports are only counted.
    pub quiet_until: Timestamp,
}

/// Selects alerts; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Kind of alert.
    pub kind: Option<String>,
    /// Severity.
    pub severity: Option<Severity>,
    /// First reported at this time or later.
    pub start: Option<Timestamp>,
    /// First reported before this time.
    pub end: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertDocument {
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
}

impl Alerts {
    /// An organisation's alerts, or the platform's, newest first; a large total is counted only as far as needed.
    pub async fn list(&self, org: Option<OrgId>, filter: &AlertFilter, page: Page) -> Result<Listed<StoredAlert>, StoreError> {
        let search = TimedSearch {
            collection: ALERTS,
            query: filter.query(org),
            keys: &["orgId"],
            // A repeated report moves `lastAt`: sorted by it, pages would shift between two requests.
            time: SortTime::Past("firstAt"),
            period: Period {
                start: filter.start,
                end: filter.end,
            },
            without: None,
        };
        let listed = self.database.latest::<AlertDocument>(search, page).await?;
        listed.try_map(StoredAlert::try_from)
    }

    /// Reads one alert of an organisation.
    pub async fn get(&self, org: OrgId, id: &str) -> Result<Option<StoredAlert>, StoreError> {
        let alerts = self.database.collection::<AlertDocument>(ALERTS);
        let found = alerts.find_one(doc! { "_id": id, "orgId": org.0 });
        self.database.within(found).await?.map(StoredAlert::try_from).transpose()
    }
}

impl AlertFilter {
    fn query(&self, org: Option<OrgId>) -> Document {
        let Self {
            kind,
            severity,
            start: _,
            end: _,
        } = self;
        let texts = [("kind", kind.as_deref()), ("severity", severity.map(Severity::as_str))];
        org_filter(org.map(|org| org.0), texts)
    }
}

impl TryFrom<AlertDocument> for StoredAlert {
    type Error = StoreError;

    fn try_from(document: AlertDocument) -> Result<Self, StoreError> {
        let AlertDocument {
            id,
            org_id,
            kind,
            key,
            severity,
            message,
            at,
            count,
            first_at,
            last_at,
            quiet_until,
        } = document;
        Ok(Self {
            id,
            alert: Alert {
                org_id: org_id.map(OrgId),
                kind,
                key,
                severity: Severity::parse(&severity).ok_or_else(|| unreadable("severity"))?,
                message,
                at: timestamp(at),
            },
            count: unsigned(count),
            first_at: timestamp(first_at),
            last_at: timestamp(last_at),
            quiet_until: timestamp(quiet_until),
        })
    }
}
