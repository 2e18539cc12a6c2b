//! The state of a job as stored.

use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::{
    CancelRequest, JobKey, JobState, PayloadDigest, RuleKey, RunId, RunProgress, RunStage, RunStatus, RunningRun, Watermark,
    WatermarkValue,
};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::RunClaim;
use crate::error::unreadable;
use crate::field::{date, json, json_text, long, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_by: Option<String>,
    revision: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run: Option<bson::DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<bson::DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run: Option<bson::DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<RunningDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<WatermarkDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunningDocument {
    run_id: ObjectId,
    started_at: bson::DateTime,
    claim_id: String,
    held_since: bson::DateTime,
    until: bson::DateTime,
    holders: i64,
    stage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    batches: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<i64>,
    /// Hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<CancelDocument>,
    /// A person set the watermark during the run, which therefore does not move it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) watermark_reset: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct CancelDocument {
    by: String,
    at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct WatermarkDocument {
    field: String,
    /// JSON text, which keeps every digit of a number.
    value: String,
}

impl StateDocument {
    /// The state of a job that was just planned for the first time.
    pub(super) fn planned(state: &JobState) -> Self {
        let next_run = state.next_run.map(date);
        Self {
            id: object_id(state.key.id.0),
            org_id: state.key.org_id.0,
            planned_by: state.rule.as_ref().map(|rule| rule.0.clone()),
            revision: long(state.revision),
            next_run,
            due_at: next_run,
            last_run: None,
            last_outcome: None,
            running: None,
            watermark: None,
        }
    }

    pub(super) fn key(&self) -> JobKey {
        JobKey {
            org_id: OrgId(self.org_id),
            id: IntegrationId(self.id.bytes()),
        }
    }
}

/// A run that a claim begins, as the value of `running`.
pub(super) fn begun(run: RunId, claim: RunClaim<'_>) -> Document {
    doc! {
        "runId": object_id(run.0),
        "startedAt": date(claim.now),
        "claimId": claim.id,
        "heldSince": date(claim.now),
        "until": date(claim.until),
        "holders": 1_i64,
        "stage": RunStage::DataFetch.as_str(),
    }
}

/// The update that stores how far a run has come and extends its lease.
pub(super) fn progress_update(progress: &RunProgress, claim: RunClaim<'_>) -> Document {
    let mut set = doc! { "running.stage": progress.stage().as_str(), "running.until": date(claim.until) };
    let RunProgress::Delivery {
        batches,
        delivered,
        digest,
    } = progress
    else {
        return doc! { "$set": set };
    };
    set.extend(doc! { "running.batches": i64::from(*batches), "running.digest": hex::encode(digest.0) });
    doc! { "$set": set, "$max": { "running.delivered": i64::from(*delivered) } }
}

/// A watermark as stored.
pub(super) fn watermark_fields(watermark: &Watermark) -> Document {
    doc! { "field": &watermark.field, "value": json_text(&(&watermark.value).into()) }
}

impl TryFrom<StateDocument> for JobState {
    type Error = StoreError;

    fn try_from(stored: StateDocument) -> Result<Self, StoreError> {
        let key = stored.key();
        let last_outcome = stored.last_outcome.as_deref();
        let status = |text| RunStatus::parse(text).ok_or_else(|| unreadable("lastOutcome"));
        Ok(Self {
            key,
            rule: stored.planned_by.map(RuleKey),
            revision: unsigned(stored.revision),
            next_run: stored.next_run.map(timestamp),
            last_run: stored.last_run.map(timestamp),
            last_outcome: last_outcome.map(status).transpose()?,
            running: stored.running.map(RunningRun::try_from).transpose()?,
            watermark: stored.watermark.map(Watermark::try_from).transpose()?,
        })
    }
}

impl TryFrom<RunningDocument> for RunningRun {
    type Error = StoreError;

    fn try_from(stored: RunningDocument) -> Result<Self, StoreError> {
        let progress = stored.progress()?;
        Ok(Self {
            run: RunId(stored.run_id.bytes()),
            started_at: timestamp(stored.started_at),
            claim: stored.claim_id,
            held_since: timestamp(stored.held_since),
            until: timestamp(stored.until),
            holders: count(stored.holders),
            progress,
            cancel: stored.cancel.map(|cancel| CancelRequest {
                by: cancel.by,
                at: timestamp(cancel.at),
            }),
        })
    }
}

impl RunningDocument {
    /// A run that has begun to deliver stays one that delivers, even while its next holder fetches again: what may have been
    /// sent must not be sent with another content.
    fn progress(&self) -> Result<RunProgress, StoreError> {
        if let (Some(batches), Some(delivered), Some(digest)) = (self.batches, self.delivered, &self.digest) {
            return Ok(RunProgress::Delivery {
                batches: count(batches),
                delivered: count(delivered),
                digest: read_digest(digest)?,
            });
        }
        match RunStage::parse(&self.stage) {
            Some(RunStage::DataFetch) => Ok(RunProgress::DataFetch),
            Some(RunStage::Transformation) => Ok(RunProgress::Transformation),
            Some(RunStage::Delivery) | None => Err(unreadable("running.stage")),
        }
    }
}

impl TryFrom<WatermarkDocument> for Watermark {
    type Error = StoreError;

    fn try_from(stored: WatermarkDocument) -> Result<Self, StoreError> {
        let value = json("watermark", &stored.value)?;
        Ok(Self {
            field: stored.field,
            value: WatermarkValue::try_from(&value).map_err(|_| unreadable("watermark"))?,
        })
    }
}

fn read_digest(text: &str) -> Result<PayloadDigest, StoreError> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).map_err(|_| unreadable("running.digest"))?;
    Ok(PayloadDigest(digest))
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
