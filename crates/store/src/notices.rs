//! The outbox of notices: one row for each notice and channel, and one queue for each channel.
//!
//! A row's identifier follows from what it tells, so a second write of the same notice changes nothing. One process at a time holds a
//! channel's queue, under a lease. It decides which of the waiting notices go out, in one transaction, and sends them one after the other. A
//! row that it sends carries its claim, so that the report of a holder whose lease is over is refused. A row is deleted only some time after
//! its end.

mod claim;
mod digest;
mod queue;
mod row;
mod sending;
mod statuses;

use std::collections::BTreeMap;

use futures::FutureExt as _;
use ig_core::alert::{ChannelId, DueNotice, Flush, Incident, NoticeKey, NoticeStatus, QueuedNotice};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, Result as DriverResult};

pub use claim::QueueClaim;
pub use digest::{DigestContent, DigestEntryContent};
pub use row::{IncidentContent, NoticeContent, StoredNotice};
pub use sending::NoticeEnd;

use crate::database::{Database, Documents};
use crate::error::store_error;
use crate::field::{date, object_id};
use crate::names::{NOTICE_QUEUES, NOTICES};
use crate::page::{Listed, Page, Period, SortTime, TimedSearch, org_filter};
use row::{QueuedRow, RowDocument};
use statuses::set_status;

/// The most notices that one look at a channel takes. More than these are in the next digest.
const MAX_QUEUED: i64 = 10_000;

/// The outbox of notices.
#[derive(Debug, Clone)]
pub struct Notices {
    database: Database,
}

impl Notices {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds notices that are due, and wakes their channels. A notice that is there already stays as it is.
    pub(crate) async fn enqueue(&self, incident: &Incident, keep_for_ms: i64, due: &[DueNotice]) -> Result<(), StoreError> {
        let rows = due.iter().map(|notice| RowDocument::waiting(incident, notice));
        self.database.insert_once(NOTICES, rows.collect()).await?;
        for notice in due {
            let channel = (notice.channel, incident.alert.org_id);
            self.wake(channel, keep_for_ms, notice.due_at).await?;
        }
        Ok(())
    }

    /// The notices of an organisation, or of the platform, newest first, optionally those of one channel.
    pub async fn list(
        &self,
        org: Option<OrgId>,
        channel: Option<ChannelId>,
        page: Page,
    ) -> Result<Listed<StoredNotice>, StoreError> {
        let mut query = org_filter(org.map(|org| org.0), []);
        if let Some(channel) = channel {
            query.insert("channel", object_id(channel.0));
        }
        let search = TimedSearch {
            collection: NOTICES,
            query,
            keys: &["orgId"],
            // A notice that was held becomes due a little later than it is written.
            time: SortTime::Any("createdAt"),
            period: Period::default(),
            without: None,
        };
        let listed = self.database.latest::<RowDocument>(search, page).await?;
        listed.try_map(StoredNotice::try_from)
    }

    /// The notices that wait for a claimed channel, oldest first.
    pub async fn queued(&self, claim: &QueueClaim) -> Result<Vec<QueuedNotice>, StoreError> {
        let rows = self.rows::<QueuedRow>();
        let waiting = rows
            .find(open_rows(claim, NoticeStatus::Waiting))
            .sort(doc! { "createdAt": 1 })
            .limit(MAX_QUEUED)
            .projection(QueuedRow::fields());
        let waiting = self.database.all(waiting).await?;
        let answered = self.statuses(waiting.iter().flat_map(QueuedRow::answered)).await?;
        waiting.into_iter().map(|row| row.into_queued(&answered)).collect()
    }

    async fn statuses(&self, keys: impl Iterator<Item = &str>) -> Result<BTreeMap<String, NoticeStatus>, StoreError> {
        let keys: Vec<&str> = keys.collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.rows::<statuses::StatusRow>();
        let found = rows.find(doc! { "_id": { "$in": keys } }).projection(doc! { "status": 1 });
        let found = self.database.all(found).await?;
        found.into_iter().map(statuses::StatusRow::read).collect()
    }

    /// Stores which notices go out, in one transaction with the pace of the channel; false where the claim is over.
    pub async fn commit(&self, claim: &QueueClaim, flush: &Flush, now: Timestamp) -> Result<bool, StoreError> {
        let digests = self.digests(claim, flush, now).await?;
        let context = (self.clone(), claim.clone(), flush.clone(), digests, now);
        let committed = self
            .database
            .transact(context, |session, (this, claim, flush, digests, now)| {
                this.attempt_commit(session, claim, flush, digests, *now).boxed()
            });
        match committed.await? {
            Ok(()) => Ok(true),
            Err(error) if error.get_custom::<ClaimOver>().is_some() => Ok(false),
            Err(error) => Err(store_error(&error)),
        }
    }

    async fn attempt_commit(
        &self,
        session: &mut ClientSession,
        claim: &QueueClaim,
        flush: &Flush,
        digests: &[RowDocument],
        now: Timestamp,
    ) -> DriverResult<()> {
        let queues = self.queues::<Document>();
        let paced = doc! { "$set": { "pace": queue::pace_document(&flush.pace) } };
        let held = queues.update_one(claim.identity(), paced).session(&mut *session).await?;
        if held.matched_count == 0 {
            return Err(Error::custom(ClaimOver));
        }
        let changes = [
            (&flush.ready, NoticeStatus::Ready),
            (&flush.digested, NoticeStatus::Digested),
            (&flush.dropped, NoticeStatus::Dropped),
        ];
        let rows = self.rows::<Document>();
        for (keys, status) in changes.into_iter().filter(|(keys, _)| !keys.is_empty()) {
            let waiting = doc! { "_id": { "$in": texts(keys) }, "status": NoticeStatus::Waiting.as_str() };
            rows.update_many(waiting, set_status(status, claim.keep_for_ms, now))
                .session(&mut *session)
                .await?;
        }
        if !digests.is_empty() {
            let rows = self.rows::<RowDocument>();
            rows.insert_many(digests).session(&mut *session).await?;
        }
        Ok(())
    }

    fn rows<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(NOTICES)
    }

    fn queues<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(NOTICE_QUEUES)
    }

    /// Makes a channel due at a time, or earlier where it is already.
    pub(crate) async fn wake(
        &self,
        (channel, org): (ChannelId, Option<OrgId>),
        keep_for_ms: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let wake = doc! {
            "$min": { "nextAt": date(at) },
            "$inc": { "nudges": 1_i64 },
            "$set": { "keepForMs": keep_for_ms },
            "$setOnInsert": queue::unclaimed(org),
        };
        let queues = self.queues::<Document>();
        let woken = queues.update_one(doc! { "_id": object_id(channel.0) }, wake).upsert(true);
        self.database.within(woken).await.map(drop)
    }
}

/// The claim on a queue is over.
#[derive(Debug)]
struct ClaimOver;

/// The rows of a channel with a status that is not final.
fn open_rows(claim: &QueueClaim, status: NoticeStatus) -> Document {
    doc! { "channel": object_id(claim.channel.0), "status": status.as_str() }
}

fn texts(keys: &[NoticeKey]) -> Vec<&str> {
    keys.iter().map(|key| key.0.as_str()).collect()
}
