//! The dead letters of a redrive. Each stores its redrive and its outcome, so progress is counted from them and never
//! stored twice.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::{ClaimId, DeadLetterState, QueuedDeadLetter};
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId, RedriveId, Rid, SourceId};
use ig_core::matching::LaneKey;
use ig_core::ports::StoreError;
use ig_core::redrive::{RedriveFilter, RedriveKey, RedriveProgress};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::state::{as_read, state_update};
use super::{DeadLetters, StoredDeadLetter};
use crate::error::unreadable;
use crate::field::{date, object_id, timestamp, unsigned};
use crate::stored::Stored;

/// The outcomes of a dead letter in its redrive.
pub(super) const DELIVERED: &str = "DELIVERED";
pub(super) const FAILED: &str = "FAILED";

/// Dead letters that one write adds to a redrive.
const ADDED_AT_ONCE: usize = 500;

/// The result of claiming a dead letter for its redrive.
#[derive(Debug, Clone, PartialEq)]
pub enum RedriveClaim {
    /// It was claimed.
    Claimed {
        /// Its state before the claim.
        before: Box<StoredDeadLetter>,
        /// Its state under the claim.
        letter: Box<StoredDeadLetter>,
    },
    /// Another process is retrying it, so the redrive has to wait.
    Busy,
    /// The redrive does not cover it any more.
    Gone,
}

#[derive(Debug, Deserialize)]
struct IdOnly {
    #[serde(rename = "_id")]
    id: ObjectId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueuedDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    entity_rid: i64,
    integration_config_id: ObjectId,
    action_index: i32,
    source: String,
    position: Option<i64>,
    event_id: String,
    event_type: String,
    created_at: bson::DateTime,
}

/// The retention of a dead letter after it is settled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retention {
    keep_for_ms: i64,
}

#[derive(Debug, Deserialize)]
struct OutcomeCount {
    #[serde(rename = "_id")]
    group: OutcomeGroup,
    count: i64,
}

#[derive(Debug, Deserialize)]
struct OutcomeGroup {
    open: Option<bool>,
    outcome: Option<String>,
}

impl DeadLetters {
    /// How many dead letters a redrive would cover.
    pub(crate) async fn count_coverable(&self, covering: &Document) -> Result<u64, StoreError> {
        let letters = self.letters::<Document>();
        self.database.within(letters.count_documents(covering.clone())).await
    }

    /// Adds every dead letter that the redrive covers. Those already added stay so: a crashed process may repeat this.
    pub(crate) async fn add_to_redrive(&self, redrive: RedriveKey, covering: &Document) -> Result<(), StoreError> {
        let letters = self.letters::<IdOnly>();
        let find = letters.find(covering.clone()).projection(doc! { "_id": 1 });
        let found = self.database.all(find).await?;
        for chunk in found.chunks(ADDED_AT_ONCE) {
            let ids: Vec<_> = chunk.iter().map(|letter| letter.id).collect();
            let mut still = covering.clone();
            still.insert("_id", doc! { "$in": ids });
            let added = doc! {
                "$set": { "redriveId": object_id(redrive.id.0), "redriveOpen": true },
                // A redrive needs the letter until it has sent it.
                "$unset": { "redriveOutcome": "", "expiresAt": "" },
            };
            self.database.within(letters.update_many(still, added)).await?;
        }
        Ok(())
    }

    /// The dead letters still queued in a redrive.
    pub async fn waiting(&self, redrive: RedriveKey) -> Result<Vec<QueuedDeadLetter>, StoreError> {
        let fields = doc! {
            "orgId": 1, "entityRid": 1, "integrationConfigId": 1, "actionIndex": 1, "source": 1, "position": 1, "eventId": 1,
            "eventType": 1, "createdAt": 1,
        };
        let queued = self.letters::<QueuedDocument>();
        let find = queued.find(open(redrive)).projection(fields);
        self.database
            .all(find)
            .await?
            .into_iter()
            .map(QueuedDeadLetter::try_from)
            .collect()
    }

    /// Claims a dead letter for its redrive.
    pub async fn claim_redriven(
        &self,
        redrive: RedriveKey,
        id: LogId,
        claim: &ClaimId,
        now: Timestamp,
    ) -> Result<RedriveClaim, StoreError> {
        let before = self.get(redrive.org_id, id).await?;
        let Some(before) = before.filter(|kept| kept.redrive == Some(redrive.id)) else {
            return Ok(RedriveClaim::Gone);
        };
        let due = before.retry_progress.with_manual_retry(now);
        let Some(retry_progress) = due.and_then(|due| due.claimed(claim.clone(), Duration::ZERO, now)) else {
            let resolved = matches!(before.retry_progress.state, DeadLetterState::Resolved { .. });
            return Ok(if resolved { RedriveClaim::Gone } else { RedriveClaim::Busy });
        };
        let mut filter = as_read(&before);
        filter.extend(open(redrive));
        if !self
            .change(filter, state_update(&before, &retry_progress, now).into())
            .await?
        {
            return Ok(RedriveClaim::Busy);
        }
        let letter = StoredDeadLetter {
            retry_progress,
            ..before.clone()
        };
        Ok(RedriveClaim::Claimed {
            before: Box::new(before),
            letter: Box::new(letter),
        })
    }

    /// Removes what is still queued from a redrive, except letters being retried; returns the number of those.
    pub(crate) async fn remove_untried(&self, redrive: RedriveKey, now: Timestamp) -> Result<u64, StoreError> {
        let mut untried = open(redrive);
        let retrying = DeadLetterStatus::Retrying.as_str();
        let free = [
            doc! { "status": { "$ne": retrying } },
            doc! { "nextRetryAt": { "$lte": date(now) } },
        ];
        untried.insert("$or", free.to_vec());
        let closed = doc! { "$unset": { "redriveOpen": "" } };
        let letters = self.letters::<Document>();
        self.restore_expiry(redrive, now).await?;
        self.database.within(letters.update_many(untried, closed)).await?;
        self.database.within(letters.count_documents(open(redrive))).await
    }

    /// Restores the expiry of settled letters that the redrive took in and did not reach: it removed their expiry when
    /// it took them in.
    async fn restore_expiry(&self, redrive: RedriveKey, now: Timestamp) -> Result<(), StoreError> {
        let settled = DeadLetterStatus::ALL.iter().filter(|status| status.is_settled());
        let settled: Vec<_> = settled.map(|status| status.as_str()).collect();
        let mut without_expiry = open(redrive);
        without_expiry.extend(doc! {
            "status": { "$in": settled },
            "expiresAt": { "$exists": false },
            "keepForMs": { "$exists": true },
        });
        let letters = self.letters::<Retention>();
        // One write for all letters with the same retention.
        while let Some(Retention { keep_for_ms }) = self
            .database
            .within(letters.find_one(without_expiry.clone()).projection(doc! { "keepForMs": 1 }))
            .await?
        {
            let mut same_retention = without_expiry.clone();
            same_retention.insert("keepForMs", keep_for_ms);
            let end = doc! { "$set": { "expiresAt": date(now + Duration::from_millis(unsigned(keep_for_ms))) } };
            self.database.within(letters.update_many(same_retention, end)).await?;
        }
        Ok(())
    }

    /// The progress of a redrive, without the estimate.
    pub(crate) async fn progress(&self, redrive: RedriveKey) -> Result<RedriveProgress, StoreError> {
        let pipeline = [
            doc! { "$match": { "redriveId": object_id(redrive.id.0), "orgId": redrive.org_id.0 } },
            doc! { "$group": { "_id": { "open": "$redriveOpen", "outcome": "$redriveOutcome" }, "count": { "$sum": 1_i64 } } },
        ];
        let letters = self.letters::<Document>();
        let counted = self
            .database
            .all(letters.aggregate(pipeline).with_type::<Stored<OutcomeCount>>())
            .await?;
        let mut progress = RedriveProgress::default();
        for OutcomeCount { group, count } in counted {
            match group.outcome.as_deref() {
                _ if group.open == Some(true) => progress.waiting += unsigned(count),
                Some(DELIVERED) => progress.delivered += unsigned(count),
                Some(FAILED) => progress.failed += unsigned(count),
                Some(_) | None => {}
            }
        }
        Ok(progress)
    }
}

/// The letters that a redrive covers: those that existed at its start, are neither delivered nor being retried, belong
/// to no other redrive and have a payload to send.
pub(crate) fn covering(org: OrgId, filter: &RedriveFilter, at: Timestamp, others: &[RedriveId]) -> Document {
    let RedriveFilter {
        integration_id,
        category,
        from,
        until,
    } = filter;
    let others: Vec<_> = others.iter().map(|id| object_id(id.0)).collect();
    let mut created = doc! { "$lte": date(until.map_or(at, |until| (until - Duration::from_millis(1)).min(at))) };
    if let Some(from) = from {
        created.insert("$gte", date(*from));
    }
    let mut covering = doc! {
        "orgId": org.0,
        "status": { "$in": [DeadLetterStatus::PendingRetry.as_str(), DeadLetterStatus::Abandoned.as_str()] },
        "createdAt": created,
        "redriveId": { "$nin": others },
        "reason": { "$nin": DeadLetterReason::without_payload().map(DeadLetterReason::as_str).collect::<Vec<_>>() },
    };
    if let Some(id) = integration_id {
        covering.insert("integrationConfigId", object_id(id.0));
    }
    if let Some(category) = category {
        covering.insert("errorCategory", category.as_str());
    }
    covering
}

fn open(redrive: RedriveKey) -> Document {
    doc! { "redriveId": object_id(redrive.id.0), "orgId": redrive.org_id.0, "redriveOpen": true }
}

impl TryFrom<QueuedDocument> for QueuedDeadLetter {
    type Error = StoreError;

    fn try_from(stored: QueuedDocument) -> Result<Self, StoreError> {
        let QueuedDocument {
            id,
            org_id,
            entity_rid,
            integration_config_id,
            action_index,
            source,
            position,
            event_id,
            event_type,
            created_at,
        } = stored;
        Ok(Self {
            id: LogId(id.bytes()),
            lane: LaneKey {
                org_id: OrgId(org_id),
                integration: IntegrationId(integration_config_id.bytes()),
                entity_rid: Rid(entity_rid),
                event_type: EventType::new(event_type),
            },
            source: SourceId::new(source),
            position: position.map(unsigned),
            event: EventId::new(event_id),
            action_index: u16::try_from(action_index).map_err(|_| unreadable("actionIndex"))?,
            created_at: timestamp(created_at),
        })
    }
}
