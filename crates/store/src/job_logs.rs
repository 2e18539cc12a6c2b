//! Logs of the runs of jobs: one document a run, and one for the firings that were skipped for one reason.
//!
//! A log is inserted in the transaction that claims the run and ends in the one that ends it, so the state of a job and its
//! log never contradict each other. In between it names the claim of the run's holder: whoever lost the claim cannot write.

mod document;
mod skip;

use ig_core::clock::Timestamp;
use ig_core::delivery_log::TriggerType;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::{JobKey, JobRun, RunError, RunId, RunStatus, RunningRun};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;

use document::{ErrorDocument, JobLogDocument, StatusDocument};

use crate::database::{Database, Documents};
use crate::field::{date, millis, object_id};
use crate::names::JOB_LOGS;
use crate::page::{Listed, Page, Period, SortTime, TimedSearch};
use crate::stored::Stored;

/// The claim of the run's holder.
const CLAIM: &str = "claimId";

/// Selects logs of runs; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobLogFilter {
    /// Their job.
    pub job: Option<IntegrationId>,
    /// Their status.
    pub status: Option<RunStatus>,
    /// What caused them: SCHEDULED or MANUAL.
    pub trigger: Option<TriggerType>,
    /// Begun at this time or later.
    pub start: Option<Timestamp>,
    /// Begun before this time.
    pub end: Option<Timestamp>,
}

/// Read access to the logs of runs; [`crate::JobStates`] writes them.
#[derive(Debug, Clone)]
pub struct JobLogs {
    database: Database,
}

impl JobLogs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads the log of one of an organisation's runs.
    pub async fn get(&self, org: OrgId, run: RunId) -> std::result::Result<Option<JobRun>, StoreError> {
        let logs = self.logs::<JobLogDocument<'static>>();
        let found = self.database.within(logs.find_one(of(org, run))).await?;
        found.map(JobRun::try_from).transpose()
    }

    /// Lists an organisation's runs, newest first, without data, bodies, commands and stacks; a large total is counted only
    /// as far as needed.
    pub async fn list(&self, org: OrgId, filter: &JobLogFilter, page: Page) -> std::result::Result<Listed<JobRun>, StoreError> {
        let JobLogFilter {
            job,
            status,
            trigger,
            start,
            end,
        } = filter;
        let mut query = doc! { "orgId": org.0 };
        if let Some(job) = job {
            query.insert("integrationId", object_id(job.0));
        }
        if let Some(status) = status {
            query.insert("status", status.as_str());
        }
        if let Some(trigger) = trigger {
            query.insert("triggerType", trigger.as_str());
        }
        let search = TimedSearch {
            collection: JOB_LOGS,
            query,
            keys: index_keys(filter),
            time: SortTime::CREATED,
            period: Period {
                start: *start,
                end: *end,
            },
            without: Some(large_fields()),
        };
        let listed = self.database.latest::<JobLogDocument<'static>>(search, page).await?;
        listed.try_map(JobRun::try_from)
    }

    /// Stores how far a run has come, unless its claim has passed to another holder.
    pub(crate) async fn update(&self, run: &JobRun, claim: &str) -> std::result::Result<(), StoreError> {
        let mut held = of_run(run);
        held.insert(CLAIM, claim);
        let logs = self.logs::<JobLogDocument<'_>>();
        let replaced = logs.replace_one(held, JobLogDocument::new(run, Some(claim)));
        self.database.within(replaced).await.map(drop)
    }

    /// The status of a run, if it was ever begun or skipped.
    pub(crate) async fn status(&self, key: JobKey, run: RunId) -> std::result::Result<Option<RunStatus>, StoreError> {
        let logs = self.logs::<StatusDocument>();
        let find = logs.find_one(of_job(key, run)).projection(doc! { "status": 1 });
        let found = self.database.within(find).await?;
        found.map(|found| found.status()).transpose()
    }

    pub(crate) async fn status_within(&self, session: &mut ClientSession, run: &JobRun) -> Result<Option<RunStatus>> {
        let logs = self.logs::<StatusDocument>();
        let find = logs.find_one(of_run(run)).projection(doc! { "status": 1 });
        let found = find.session(session).await?;
        let status = found.map(|Stored(found)| found.status()).transpose();
        status.map_err(Error::custom)
    }

    pub(crate) async fn insert_within(&self, session: &mut ClientSession, run: &JobRun, claim: &str) -> Result<()> {
        let logs = self.logs::<JobLogDocument<'_>>();
        let insert = logs.insert_one(JobLogDocument::new(run, Some(claim)));
        insert.session(session).await.map(drop)
    }

    /// Stores the end of a run.
    pub(crate) async fn end_within(&self, session: &mut ClientSession, run: &JobRun) -> Result<()> {
        let logs = self.logs::<JobLogDocument<'_>>();
        let replace = logs.replace_one(of_run(run), JobLogDocument::new(run, None));
        replace.session(session).await.map(drop)
    }

    /// Passes a log to another holder and reads it; `None` if it expired.
    pub(crate) async fn pass_within(
        &self,
        session: &mut ClientSession,
        key: JobKey,
        run: RunId,
        claim: &str,
    ) -> Result<Option<JobRun>> {
        let logs = self.logs::<JobLogDocument<'static>>();
        let passed = logs
            .find_one_and_update(of_job(key, run), doc! { "$set": { CLAIM: claim } })
            .return_document(ReturnDocument::After)
            .session(session)
            .await?;
        let run = passed.map(|Stored(log)| JobRun::try_from(log)).transpose();
        run.map_err(Error::custom)
    }

    /// Inserts a log of skipped firings, or counts them where the log exists.
    pub(crate) async fn skip_within(&self, session: &mut ClientSession, run: &JobRun) -> Result<()> {
        let mut first = bson::serialize_to_document(&JobLogDocument::new(run, None))?;
        let [firings, last_at, completed_at] =
            ["skippedFirings", "lastSkippedAt", "completedAt"].map(|field| first.remove(field).unwrap_or_default());
        first.remove("_id");
        let counted = doc! {
            "$setOnInsert": first,
            "$inc": { "skippedFirings": firings },
            "$max": { "lastSkippedAt": last_at, "completedAt": completed_at },
        };
        let logs = self.logs::<Document>();
        let update = logs.update_one(of_run(run), counted).upsert(true);
        update.session(session).await.map(drop)
    }

    /// Ends the run of a job that was deleted.
    pub(crate) async fn cancel_within(
        &self,
        session: &mut ClientSession,
        key: JobKey,
        running: &RunningRun,
        now: Timestamp,
    ) -> Result<()> {
        let error = RunError::new(running.progress.stage(), "The job was deleted.", None);
        let lasted = now.signed_duration_since(running.started_at).to_std().unwrap_or_default();
        let cancelled = doc! {
            "$set": {
                "status": RunStatus::Cancelled.as_str(),
                "completedAt": date(now),
                "durationMs": millis(lasted),
                "errorContext": bson::serialize_to_bson(&ErrorDocument::from(&error))?,
            },
            "$unset": { CLAIM: "" },
        };
        let logs = self.logs::<Document>();
        let update = logs.update_one(of_job(key, running.run), cancelled);
        update.session(session).await.map(drop)
    }

    fn logs<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(JOB_LOGS)
    }
}

/// The fields of the most selective index; see `migrate`.
fn index_keys(filter: &JobLogFilter) -> &'static [&'static str] {
    match filter.status {
        _ if filter.job.is_some() => &["integrationId"],
        Some(status) if status != RunStatus::Success => &["orgId", "status"],
        _ => &["orgId"],
    }
}

fn large_fields() -> Document {
    doc! {
        "dataFetched": 0,
        "transformedPayload": 0,
        "httpRequest.body": 0,
        "curlCommand": 0,
        "responseBody": 0,
        "errorContext.stack": 0,
    }
}

fn of(org: OrgId, run: RunId) -> Document {
    doc! { "_id": object_id(run.0), "orgId": org.0 }
}

fn of_job(key: JobKey, run: RunId) -> Document {
    let mut filter = of(key.org_id, run);
    filter.insert("integrationId", object_id(key.id.0));
    filter
}

fn of_run(run: &JobRun) -> Document {
    of_job(run.subject.key, run.id)
}
