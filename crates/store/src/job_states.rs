//! The states of jobs: one document a job, stored apart from its configuration.
//!
//! `nextRun` is a job's next run as people see it. `dueAt` is when a process has to look at the job next: it is the same time,
//! except that it is missing while a missed firing waits for the end of a run that is under way.
//!
//! A process holds a run by a claim with a lease, and every write of the holder names the claim: after the lease, a write is
//! refused, whether or not another process has taken the run over since. A run is claimed, passed on and ended in one
//! transaction with its log, so that a process that dies at any point leaves a run that the next one can continue or end.

mod claims;
mod document;
mod due;
mod holding;
mod planning;
mod removal;
mod requests;

use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::{JobKey, JobRun, JobState, RunId};
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;

pub use claims::{ClaimOutcome, RunTakenOver};
pub use due::DueLimits;
pub use holding::{FinishOutcome, HoldOutcome};
pub use requests::{CancelOutcome, ResetOutcome};

use document::StateDocument;

use crate::database::{Database, Documents};
use crate::error::store_error;
use crate::field::{date, object_id};
use crate::job_logs::JobLogs;
use crate::names::JOB_STATES;

/// A claim on a run, with its lease.
#[derive(Debug, Clone, Copy)]
pub struct RunClaim<'a> {
    /// Unique to this claim.
    pub id: &'a str,
    /// When it is made, extended or used.
    pub now: Timestamp,
    /// When its lease ends.
    pub until: Timestamp,
}

/// The repository of states of jobs, and the only writer of the logs of runs.
#[derive(Debug, Clone)]
pub struct JobStates {
    database: Database,
    logs: JobLogs,
}

impl JobStates {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            logs: JobLogs::new(database.clone()),
            database,
        }
    }

    /// Reads the state of a job; `None` if the job is so new that it was never planned.
    pub async fn get(&self, key: JobKey) -> Result<Option<JobState>, StoreError> {
        let states = self.states::<StateDocument>();
        let found = self.database.within(states.find_one(of(key))).await?;
        found.map(JobState::try_from).transpose()
    }

    /// Reads the states of some of an organisation's jobs, in no particular order.
    pub async fn of_jobs(&self, org: OrgId, jobs: &[IntegrationId]) -> Result<Vec<JobState>, StoreError> {
        let ids: Vec<_> = jobs.iter().map(|id| object_id(id.0)).collect();
        let states = self.states::<StateDocument>();
        let find = states.find(doc! { "_id": { "$in": ids }, "orgId": org.0 });
        let found = self.database.all(find).await?;
        found.into_iter().map(JobState::try_from).collect()
    }

    fn states<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(JOB_STATES)
    }
}

fn of(key: JobKey) -> Document {
    doc! { "_id": object_id(key.id.0), "orgId": key.org_id.0 }
}

/// Matches a job whose plan is still the one that was read.
fn planned_as(state: &JobState) -> Document {
    let mut filter = of(state.key);
    filter.insert("nextRun", state.next_run.map(date));
    filter.insert("plannedBy", state.rule.as_ref().map(|rule| rule.0.as_str()));
    filter
}

/// Matches a job whose run is under a claim with a lease that is not over.
fn held(key: JobKey, run: RunId, claim: RunClaim<'_>) -> Document {
    let mut filter = of(key);
    filter.extend(doc! {
        "running.runId": object_id(run.0),
        "running.claimId": claim.id,
        "running.until": { "$gt": date(claim.now) },
    });
    filter
}

fn held_run(run: &JobRun, claim: RunClaim<'_>) -> Document {
    held(run.subject.key, run.id, claim)
}

/// The update that sets a job's next run.
fn with_next_run(next: Option<Timestamp>, mut set: Document, mut unset: Document) -> Document {
    match next {
        Some(next) => set.extend(doc! { "nextRun": date(next), "dueAt": date(next) }),
        None => unset.extend(doc! { "nextRun": "", "dueAt": "" }),
    }
    update(set, unset)
}

/// Leaves out an operator without fields, which not every server accepts.
fn update(set: Document, unset: Document) -> Document {
    let operators = [("$set", set), ("$unset", unset)];
    let given = operators.into_iter().filter(|(_, fields)| !fields.is_empty());
    given.map(|(operator, fields)| (operator.to_owned(), fields.into())).collect()
}

/// The error that ended a transaction.
fn transaction_error(error: &Error) -> StoreError {
    let own = error.get_custom::<StoreError>();
    own.cloned().unwrap_or_else(|| store_error(error))
}
