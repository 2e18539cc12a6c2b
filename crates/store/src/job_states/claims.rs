//! Claims: which process executes which run.

use futures::FutureExt;
use ig_core::job::{DueFiring, JobKey, JobRun, JobState, RunId, RunStatus};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;

use super::document::{StateDocument, begun};
use super::{JobStates, RunClaim, held, of, planned_as, transaction_error, update, with_next_run};
use crate::field::{date, object_id};
use crate::stored::Stored;

/// The result of an attempt to begin a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The run has begun under this claim, in this state of its job.
    Claimed(Box<JobState>),
    /// Another process was faster, or the schedule has changed: look again at what is due.
    Lost,
    /// This other run of the job is under way.
    Running(RunId),
    /// This very run has begun before, and has this status.
    AlreadyRan(RunStatus),
    /// The job has no state: it is deleted, or so new that it was never planned.
    NotFound,
}

/// A run that another process had left.
#[derive(Debug, Clone, PartialEq)]
pub struct RunTakenOver {
    /// The state of its job, under the new claim.
    pub state: JobState,
    /// Its log so far; the state may be a step ahead of it.
    pub run: JobRun,
}

/// What begins a run.
#[derive(Clone, Copy)]
enum Cause<'a> {
    /// A firing of the job, with the state that it was planned by.
    Firing(&'a JobState, &'a DueFiring),
    /// A person's request, which leaves the schedule alone.
    Request,
}

impl JobStates {
    /// Begins the run of a due firing and moves on to the next run, provided that the state is still as it was read.
    pub async fn claim(
        &self,
        state: &JobState,
        firing: &DueFiring,
        run: &JobRun,
        claim: RunClaim<'_>,
    ) -> std::result::Result<ClaimOutcome, StoreError> {
        self.begin(Cause::Firing(state, firing), run, claim).await
    }

    /// Begins a run that a person requested. A repeated request finds that its run has begun before.
    pub async fn claim_manual(&self, run: &JobRun, claim: RunClaim<'_>) -> std::result::Result<ClaimOutcome, StoreError> {
        self.begin(Cause::Request, run, claim).await
    }

    async fn begin(&self, cause: Cause<'_>, run: &JobRun, claim: RunClaim<'_>) -> std::result::Result<ClaimOutcome, StoreError> {
        let begun = self
            .database
            .transact((self, cause, run, claim), |session, (this, cause, run, claim)| {
                this.attempt_begin(session, *cause, run, *claim).boxed()
            });
        begun.await?.map_err(|error| transaction_error(&error))
    }

    async fn attempt_begin(
        &self,
        session: &mut ClientSession,
        cause: Cause<'_>,
        run: &JobRun,
        claim: RunClaim<'_>,
    ) -> Result<ClaimOutcome> {
        let Some(stored) = self.read_within(session, run.subject.key).await? else {
            return Ok(ClaimOutcome::NotFound);
        };
        if let Some(status) = self.logs.status_within(session, run).await? {
            self.move_on(session, cause).await?;
            return Ok(ClaimOutcome::AlreadyRan(status));
        }
        if let Some(running) = stored.running {
            return Ok(ClaimOutcome::Running(running.run));
        }
        let states = self.states::<StateDocument>();
        let held = states
            .find_one_and_update(free(run.subject.key, cause), claiming(run, cause, claim))
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await?;
        let Some(Stored(held)) = held else {
            return Ok(ClaimOutcome::Lost);
        };
        if matches!(cause, Cause::Request) {
            self.defer_missed(session, run.subject.key, claim).await?;
        }
        self.logs.insert_within(session, run, claim.id).await?;
        let state = JobState::try_from(held).map_err(Error::custom)?;
        Ok(ClaimOutcome::Claimed(Box::new(state)))
    }

    async fn read_within(&self, session: &mut ClientSession, key: JobKey) -> Result<Option<JobState>> {
        let states = self.states::<StateDocument>();
        let found = states.find_one(of(key)).session(session).await?;
        let state = found.map(|Stored(found)| JobState::try_from(found)).transpose();
        state.map_err(Error::custom)
    }

    /// Moves a job past a firing whose run has begun before, as after a clock was set back.
    async fn move_on(&self, session: &mut ClientSession, cause: Cause<'_>) -> Result<()> {
        let Cause::Firing(state, firing) = cause else {
            return Ok(());
        };
        let update = with_next_run(firing.next_run, Document::new(), Document::new());
        let states = self.states::<Document>();
        let moved = states.update_one(planned_as(state), update);
        moved.session(session).await.map(drop)
    }

    /// Lets a firing that is due already wait for the end of the run.
    async fn defer_missed(&self, session: &mut ClientSession, key: JobKey, claim: RunClaim<'_>) -> Result<()> {
        let mut missed = of(key);
        missed.insert("dueAt", doc! { "$lte": date(claim.now) });
        let states = self.states::<Document>();
        let deferred = states.update_one(missed, doc! { "$unset": { "dueAt": "" } });
        deferred.session(session).await.map(drop)
    }

    /// Claims the run of a job that [`JobStates::expired`] found. `None` if another process was faster, or the holder has
    /// renewed its claim, or nothing is left of the run.
    pub async fn take_over(
        &self,
        state: &JobState,
        claim: RunClaim<'_>,
    ) -> std::result::Result<Option<RunTakenOver>, StoreError> {
        let taken = self.database.transact((self, state, claim), |session, (this, state, claim)| {
            this.attempt_take_over(session, state, *claim).boxed()
        });
        taken.await?.map_err(|error| transaction_error(&error))
    }

    async fn attempt_take_over(
        &self,
        session: &mut ClientSession,
        state: &JobState,
        claim: RunClaim<'_>,
    ) -> Result<Option<RunTakenOver>> {
        let Some(lost) = &state.running else {
            return Ok(None);
        };
        let mut expired = of(state.key);
        expired.extend(doc! {
            "running.runId": object_id(lost.run.0),
            "running.claimId": &lost.claim,
            "running.until": { "$lte": date(claim.now) },
        });
        let ours = doc! {
            "$set": {
                "running.claimId": claim.id,
                "running.heldSince": date(claim.now),
                "running.until": date(claim.until),
            },
            "$inc": { "running.holders": 1_i64 },
        };
        let states = self.states::<StateDocument>();
        let taken = states
            .find_one_and_update(expired, ours)
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await?;
        let Some(Stored(taken)) = taken else {
            return Ok(None);
        };
        let Some(run) = self.logs.pass_within(session, state.key, lost.run, claim.id).await? else {
            self.forget_run(session, state.key).await?;
            return Ok(None);
        };
        self.defer_missed(session, state.key, claim).await?;
        let state = JobState::try_from(taken).map_err(Error::custom)?;
        Ok(Some(RunTakenOver { state, run }))
    }

    /// A run whose log has expired cannot be continued.
    async fn forget_run(&self, session: &mut ClientSession, key: JobKey) -> Result<()> {
        let states = self.states::<Document>();
        let forgotten = states.update_one(of(key), doc! { "$unset": { "running": "" } });
        forgotten.session(session).await.map(drop)
    }

    /// Releases a run that its holder cannot finish, so that another process takes it over at once.
    pub async fn release(&self, key: JobKey, run: RunId, claim: RunClaim<'_>) -> std::result::Result<(), StoreError> {
        let free = doc! { "$set": { "running.until": date(claim.now) } };
        let states = self.states::<Document>();
        let released = states.update_one(held(key, run, claim), free);
        self.database.within(released).await.map(drop)
    }
}

/// Matches a job without a run, for which the cause still holds.
fn free(key: JobKey, cause: Cause<'_>) -> Document {
    let mut filter = match cause {
        Cause::Firing(state, _) => planned_as(state),
        Cause::Request => of(key),
    };
    filter.insert("running", Bson::Null);
    filter
}

fn claiming(run: &JobRun, cause: Cause<'_>, claim: RunClaim<'_>) -> Document {
    let set = doc! { "running": begun(run.id, claim), "lastRun": date(claim.now) };
    match cause {
        Cause::Firing(_, firing) => with_next_run(firing.next_run, set, Document::new()),
        Cause::Request => update(set, Document::new()),
    }
}
