//! What the holder of a run writes, and the end of the run.

use futures::FutureExt;
use ig_core::job::{CancelRequest, JobKey, JobRun, JobState, RunId, RunProgress, RunStatus, Watermark};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;

use super::document::{StateDocument, progress_update, watermark_fields};
use super::{JobStates, RunClaim, held, held_run, transaction_error, update};
use crate::field::date;
use crate::stored::Stored;

/// Whether a process still holds a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldOutcome {
    /// It does, and the lease is extended.
    Held,
    /// It does, and a person wants the run cancelled.
    CancelRequested(CancelRequest),
    /// It does not: the lease was over, or the job was deleted. Nothing was stored.
    Lost,
}

/// Whether the end of a run was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishOutcome {
    /// It was, and this is the job's watermark now.
    Stored(Option<Watermark>),
    /// It was not: the lease was over, or the job was deleted. The next holder ends the run.
    Lost,
}

impl JobStates {
    /// Extends the lease on a run.
    pub async fn renew(&self, key: JobKey, run: RunId, claim: RunClaim<'_>) -> std::result::Result<HoldOutcome, StoreError> {
        let longer = doc! { "$set": { "running.until": date(claim.until) } };
        self.update_held(held(key, run, claim), longer).await
    }

    /// Stores how far a run has come, in its state and then in its log, and extends the lease.
    pub async fn advance(
        &self,
        run: &JobRun,
        progress: &RunProgress,
        claim: RunClaim<'_>,
    ) -> std::result::Result<HoldOutcome, StoreError> {
        let outcome = self
            .update_held(held_run(run, claim), progress_update(progress, claim))
            .await?;
        if outcome != HoldOutcome::Lost {
            self.logs.update(run, claim.id).await?;
        }
        Ok(outcome)
    }

    async fn update_held(&self, held: Document, change: Document) -> std::result::Result<HoldOutcome, StoreError> {
        let states = self.states::<StateDocument>();
        let updated = states
            .find_one_and_update(held, change)
            .return_document(ReturnDocument::After);
        let Some(updated) = self.database.within(updated).await? else {
            return Ok(HoldOutcome::Lost);
        };
        let running = JobState::try_from(updated)?.running;
        let cancel = running.and_then(|running| running.cancel);
        Ok(cancel.map_or(HoldOutcome::Held, HoldOutcome::CancelRequested))
    }

    /// Stores the end of a run with its log. The watermark that it reached is stored with it, but only if the run succeeded,
    /// never backwards, and not if a person has set the watermark during the run.
    pub async fn finish(
        &self,
        run: &JobRun,
        reached: Option<&Watermark>,
        claim: RunClaim<'_>,
    ) -> std::result::Result<FinishOutcome, StoreError> {
        if !run.status.has_ended() {
            return Err(StoreError::Refused("the run has not ended".to_owned()));
        }
        let finished = self
            .database
            .transact((self, run, reached, claim), |session, (this, run, reached, claim)| {
                this.attempt_finish(session, run, *reached, *claim).boxed()
            });
        finished.await?.map_err(|error| transaction_error(&error))
    }

    async fn attempt_finish(
        &self,
        session: &mut ClientSession,
        run: &JobRun,
        reached: Option<&Watermark>,
        claim: RunClaim<'_>,
    ) -> Result<FinishOutcome> {
        let states = self.states::<StateDocument>();
        let found = states.find_one(held_run(run, claim)).session(&mut *session).await?;
        let Some(Stored(found)) = found else {
            return Ok(FinishOutcome::Lost);
        };
        let is_reset = found.running.as_ref().is_some_and(|running| running.watermark_reset);
        let state = JobState::try_from(found).map_err(Error::custom)?;
        let reached = reached.filter(|_| run.status == RunStatus::Success && !is_reset);
        let watermark = match reached {
            Some(reached) => Some(Watermark::moved(state.watermark.clone(), reached.clone())),
            None => state.watermark.clone(),
        };
        let ended = states.update_one(held_run(run, claim), end_update(run, &state, watermark.as_ref()));
        if ended.session(&mut *session).await?.matched_count == 0 {
            return Ok(FinishOutcome::Lost);
        }
        self.logs.end_within(session, run).await?;
        Ok(FinishOutcome::Stored(watermark))
    }
}

/// A firing that waited for the end of the run is due from now on.
fn end_update(run: &JobRun, state: &JobState, watermark: Option<&Watermark>) -> Document {
    let mut set = doc! { "lastOutcome": run.status.as_str() };
    if let Some(next) = state.next_run {
        set.insert("dueAt", date(next));
    }
    if let Some(watermark) = watermark {
        set.insert("watermark", watermark_fields(watermark));
    }
    update(set, doc! { "running": "" })
}
