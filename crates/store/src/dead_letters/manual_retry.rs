//! What people do with dead letters: retry or delete them.

use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::{DeadLetterState, ManualRetry, ManualRetryResult};
use ig_core::id::{LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use super::document::DeadLetterDocument;
use super::state::{as_read, state_update};
use super::{DeadLetters, StoredDeadLetter};
use crate::field::object_id;

/// The result of deleting a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It was deleted.
    Deleted,
    /// A retry of it is under way.
    Busy,
    /// The organisation has no such dead letter.
    Unknown,
}

impl DeadLetters {
    /// Makes dead letters due now, whatever their number of retries.
    pub async fn retry_manually(&self, request: &ManualRetry, now: Timestamp) -> Result<ManualRetryResult, StoreError> {
        let found = self.requested_letters(request).await?;
        let mut result = ManualRetryResult::default();
        for id in &request.ids {
            let stored = found.iter().find(|stored| stored.letter.id == *id);
            let accepted = match stored {
                Some(stored) => self.make_due(stored, now).await?,
                None => false,
            };
            let list = if accepted { &mut result.accepted } else { &mut result.refused };
            list.push(*id);
        }
        Ok(result)
    }

    async fn requested_letters(&self, request: &ManualRetry) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let ids: Vec<_> = request.ids.iter().map(|id| object_id(id.0)).collect();
        let letters = self.letters::<DeadLetterDocument<'static>>();
        let find = letters
            .find(doc! { "_id": { "$in": ids }, "orgId": request.org_id.0 })
            .projection(doc! { "originalPayload": 0 });
        let found = self.database.all(find).await?;
        found.into_iter().map(StoredDeadLetter::try_from).collect()
    }

    async fn make_due(&self, stored: &StoredDeadLetter, now: Timestamp) -> Result<bool, StoreError> {
        let may_be_sent = stored.redrive.is_none() && stored.letter.reason.has_payload();
        let due = stored.retry_progress.with_manual_retry(now).filter(|_| may_be_sent);
        let Some(due) = due else {
            return Ok(false);
        };
        let mut filter = as_read(stored);
        filter.insert("redriveOpen", doc! { "$ne": true });
        self.change(filter, state_update(stored, &due, now).into()).await
    }

    /// Deletes one of an organisation's dead letters; its delivery log records that it stays undelivered.
    pub async fn delete(&self, org: OrgId, id: LogId, now: Timestamp) -> Result<Deletion, StoreError> {
        let Some(stored) = self.get(org, id).await? else {
            return Ok(Deletion::Unknown);
        };
        if matches!(stored.retry_progress.state, DeadLetterState::Retrying { until, .. } if until > now) {
            return Ok(Deletion::Busy);
        }
        self.abandon_log(&stored).await?;
        let letters = self.letters::<Document>();
        let deleted = self.database.within(letters.delete_one(as_read(&stored))).await?;
        let was_deleted = deleted.deleted_count > 0;
        Ok(if was_deleted { Deletion::Deleted } else { Deletion::Busy })
    }
}
