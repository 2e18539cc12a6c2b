//! Sending the notices whose turn has come: one after the other on each channel, so that an end never overtakes its beginning.

use ig_core::alert::NoticeStatus;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::row::RowDocument;
use super::statuses::set_status;
use super::{NoticeContent, Notices, QueueClaim, StoredNotice, open_rows};
use crate::field::{date, object_id};

/// What became of an attempt to send a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeEnd {
    /// The channel took it.
    Sent,
    /// It is tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// Why it failed.
        why: String,
        /// The recipients that do not have it yet, where others have.
        remaining: Option<Vec<String>>,
    },
    /// It is given up.
    GivenUp {
        /// Why it failed.
        why: String,
    },
}

impl Notices {
    /// The notice that a channel gets next, whether its time has come or not. One that failed keeps those behind it.
    pub async fn next_ready(&self, claim: &QueueClaim) -> Result<Option<StoredNotice>, StoreError> {
        let rows = self.rows::<RowDocument>();
        let first = rows
            .find_one(open_rows(claim, NoticeStatus::Ready))
            .sort(doc! { "createdAt": 1, "number": 1 });
        let first = self.database.within(first).await?;
        first.map(StoredNotice::try_from).transpose()
    }

    /// Counts an attempt before it is made; `None` where the notice has ended meanwhile.
    pub async fn begin(&self, claim: &QueueClaim, notice: &StoredNotice) -> Result<Option<StoredNotice>, StoreError> {
        let rows = self.rows::<RowDocument>();
        let ready = doc! { "_id": &notice.key.0, "status": NoticeStatus::Ready.as_str() };
        let ours = doc! { "$set": { "claimId": &claim.claim.0 }, "$inc": { "attempts": 1_i64 } };
        let begun = rows.find_one_and_update(ready, ours).return_document(ReturnDocument::After);
        let begun = self.database.within(begun).await?;
        begun.map(StoredNotice::try_from).transpose()
    }

    /// Stores how an attempt ended; false where another process has made one since.
    pub async fn settle(
        &self,
        claim: &QueueClaim,
        notice: &StoredNotice,
        end: &NoticeEnd,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ours = doc! { "_id": &notice.key.0, "status": NoticeStatus::Ready.as_str(), "claimId": &claim.claim.0 };
        let rows = self.rows::<Document>();
        let settled = self.database.within(rows.update_one(ours, change(claim, end, now))).await?;
        if settled.matched_count == 0 {
            return Ok(false);
        }
        if let (NoticeEnd::GivenUp { .. }, NoticeContent::Incident(content)) = (end, &notice.content) {
            self.drop_ready(claim, &content.incident.0, now).await?;
        }
        Ok(true)
    }

    /// A channel that did not hear of an incident does not hear of its end.
    async fn drop_ready(&self, claim: &QueueClaim, incident: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut theirs = open_rows(claim, NoticeStatus::Ready);
        theirs.insert("incident.id", incident);
        let rows = self.rows::<Document>();
        let dropped = set_status(NoticeStatus::Dropped, claim.keep_for_ms, now);
        self.database.within(rows.update_many(theirs, dropped)).await.map(drop)
    }

    /// Drops all notices of a channel that is gone or no longer active.
    pub async fn drop_all(&self, claim: &QueueClaim, now: Timestamp) -> Result<(), StoreError> {
        let statuses = [NoticeStatus::Waiting, NoticeStatus::Ready].map(NoticeStatus::as_str);
        let open = doc! { "channel": object_id(claim.channel.0), "status": { "$in": statuses.to_vec() } };
        let rows = self.rows::<Document>();
        let dropped = set_status(NoticeStatus::Dropped, claim.keep_for_ms, now);
        self.database.within(rows.update_many(open, dropped)).await.map(drop)
    }
}

fn change(claim: &QueueClaim, end: &NoticeEnd, now: Timestamp) -> Document {
    match end {
        NoticeEnd::Sent => set_status(NoticeStatus::Sent, claim.keep_for_ms, now),
        NoticeEnd::Retry { at, why, remaining } => {
            let again =
                doc! { "failure": why, "nextAttemptAt": date(*at), "remaining": remaining.clone(), "updatedAt": date(now) };
            doc! { "$set": again }
        }
        NoticeEnd::GivenUp { why } => {
            let mut change = set_status(NoticeStatus::Failed, claim.keep_for_ms, now);
            if let Ok(set) = change.get_document_mut("$set") {
                set.insert("failure", why);
            }
            change
        }
    }
}
