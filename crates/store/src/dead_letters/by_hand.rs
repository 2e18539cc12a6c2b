//! What people do with dead letters: retry or delete them.

use ig_core::clock::Timestamp;
use ig_core::id::{LogId, OrgId};
use ig_core::ports::StoreError;
use ig_core::redelivery::{DeadLetterState, ManualRetry, ManualRetryResult};
use mongodb::bson::{Document, doc};

use super::document::DeadLetterDocument;
use super::standing::{as_read, standing};
use super::{DeadLetters, KeptLetter};
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
    pub async fn retry_by_hand(&self, wish: &ManualRetry, now: Timestamp) -> Result<ManualRetryResult, StoreError> {
        let found = self.named(wish).await?;
        let mut granted = ManualRetryResult::default();
        for id in &wish.ids {
            let kept = found.iter().find(|kept| kept.letter.id == *id);
            let accepted = match kept {
                Some(kept) => self.want(kept, now).await?,
                None => false,
            };
            let side = if accepted {
                &mut granted.accepted
            } else {
                &mut granted.refused
            };
            side.push(*id);
        }
        Ok(granted)
    }

    async fn named(&self, wish: &ManualRetry) -> Result<Vec<KeptLetter>, StoreError> {
        let ids: Vec<_> = wish.ids.iter().map(|id| object_id(id.0)).collect();
        let letters = self.letters::<DeadLetterDocument<'static>>();
        let find = letters
            .find(doc! { "_id": { "$in": ids }, "orgId": wish.org_id.0 })
            .projection(doc! { "originalPayload": 0 });
        let found = self.database.all(find).await?;
        found.into_iter().map(KeptLetter::try_from).collect()
    }

    async fn want(&self, kept: &KeptLetter, now: Timestamp) -> Result<bool, StoreError> {
        let may_be_sent = kept.redrive.is_none() && kept.letter.reason.has_payload();
        let wanted = kept.redelivery.retried_by_hand(now).filter(|_| may_be_sent);
        let Some(wanted) = wanted else {
            return Ok(false);
        };
        let mut filter = as_read(kept);
        filter.insert("redriveOpen", doc! { "$ne": true });
        self.change(filter, standing(kept, &wanted, now).into()).await
    }

    /// Deletes one of an organisation's dead letters; its delivery log records that it stays undelivered.
    pub async fn delete(&self, org: OrgId, id: LogId, now: Timestamp) -> Result<Deletion, StoreError> {
        let Some(kept) = self.get(org, id).await? else {
            return Ok(Deletion::Unknown);
        };
        if matches!(kept.redelivery.standing, DeadLetterState::Retrying { until, .. } if until > now) {
            return Ok(Deletion::Busy);
        }
        self.abandon_log(&kept).await?;
        let letters = self.letters::<Document>();
        let deleted = self.database.within(letters.delete_one(as_read(&kept))).await?;
        let was_deleted = deleted.deleted_count > 0;
        Ok(if was_deleted { Deletion::Deleted } else { Deletion::Busy })
    }
}
