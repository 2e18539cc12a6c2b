//! Runs of jobs: their identity, their progress, and what a log says about them.
//!
//! A run's identity follows from what caused it, so a firing is claimed once by however many processes see it, and a repeated
//! request to run a job finds the first. The messages of its deliveries follow from the run and the batch: the same after a
//! crash, so that no batch is delivered twice.

mod excerpt;
mod identity;
mod progress;
mod watermark;

pub use excerpt::{Excerpt, MAX_EXCERPT_BYTES};
pub use identity::{RunId, batch_message_id};
pub use progress::{CancelRequest, MAX_HOLDERS, PayloadDigest, Resumption, RunProgress, RunningRun};
pub use watermark::{MAX_WATERMARK_BYTES, NotAWatermark, Watermark, WatermarkValue};

use chrono::SubsecRound as _;

use super::firing::{DueFiring, JobKey};
use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::header_lines::HeaderLines;
use crate::id::Rid;
use crate::integration::{HttpMethod, TargetUrl};

/// The longest message of an error, in bytes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;
/// The longest stack of an error, and the longest headers of a request or response, in bytes.
const MAX_LINES_BYTES: usize = 16 * 1024;
/// The longest curl command, in bytes: one with a body of the largest excerpt, quoted, fits.
const MAX_CURL_BYTES: usize = 2 * MAX_EXCERPT_BYTES;
/// The longest name of the person who ran or cancelled a job, in bytes.
const MAX_PERSON_BYTES: usize = 320;

named! {
    /// The status of a run.
    RunStatus {
        /// It is under way.
        Running = "RUNNING",
        /// Everything that it fetched was delivered, or there was nothing to deliver.
        Success = "SUCCESS",
        /// A stage failed.
        Failed = "FAILED",
        /// The firing did not run.
        Skipped = "SKIPPED",
        /// A person cancelled it, or the job was deleted.
        Cancelled = "CANCELLED",
    }
}

impl RunStatus {
    /// Whether the run is over.
    pub fn has_ended(self) -> bool {
        self != Self::Running
    }
}

named! {
    /// A stage of a run.
    RunStage {
        /// It fetches data from its source.
        DataFetch = "DATA_FETCH",
        /// It transforms the data.
        Transformation = "TRANSFORMATION",
        /// It delivers the result.
        Delivery = "DELIVERY",
    }
}

named! {
    /// The result of a stage.
    StageResult {
        /// It did its work.
        Success = "SUCCESS",
        /// It failed.
        Failed = "FAILED",
    }
}

/// What caused a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunTrigger {
    /// The schedule.
    Scheduled {
        /// When the firing was due.
        due_at: Timestamp,
    },
    /// A person, or a client of the API.
    Manual {
        /// Their name, as the audit log has it.
        by: String,
    },
}

/// The results of the stages; `None` for a stage that has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunStages {
    /// Of fetching.
    pub data_fetch: Option<StageResult>,
    /// Of transforming.
    pub transformation: Option<StageResult>,
    /// Of delivering.
    pub delivery: Option<StageResult>,
}

impl RunStages {
    /// Records the result of a stage.
    pub fn record(&mut self, stage: RunStage, result: StageResult) {
        let slot = match stage {
            RunStage::DataFetch => &mut self.data_fetch,
            RunStage::Transformation => &mut self.transformation,
            RunStage::Delivery => &mut self.delivery,
        };
        *slot = Some(result);
    }
}

/// What a run counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Records that the source returned.
    pub records_fetched: u64,
    /// Batches to deliver.
    pub batches: u32,
    /// Batches that were delivered.
    pub delivered: u32,
    /// Batches that the script chose not to deliver.
    pub skipped: u32,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// The stage that failed.
    pub stage: RunStage,
    /// What happened, in a sentence that a tenant may read.
    pub message: String,
    /// The stack of the script, if a script threw.
    pub stack: Option<String>,
}

impl RunError {
    /// Shortens a message and a stack that are too long to keep.
    pub fn new(stage: RunStage, message: &str, stack: Option<&str>) -> Self {
        Self {
            stage,
            message: shortened(message, MAX_MESSAGE_BYTES),
            stack: stack.map(|stack| shortened(stack, MAX_LINES_BYTES)),
        }
    }
}

/// A request as sent, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// Its method.
    pub method: HttpMethod,
    /// Its address.
    pub url: TargetUrl,
    /// Its headers.
    pub headers: HeaderLines,
    /// Its body; `None` where the log level keeps none.
    pub body: Option<Excerpt>,
    /// A command that sends it again; `None` where the log level keeps none.
    pub curl: Option<Excerpt>,
}

impl RunRequest {
    /// Shortens headers, body and command that are too long to keep.
    pub fn new(method: HttpMethod, url: TargetUrl, headers: &HeaderLines, body: Option<&[u8]>, curl: Option<&str>) -> Self {
        Self {
            method,
            url,
            headers: shortened_lines(headers),
            body: body.map(Excerpt::of),
            curl: curl.map(|curl| Excerpt::within(curl.as_bytes(), MAX_CURL_BYTES)),
        }
    }
}

/// A response as received, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResponse {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderLines,
    /// Its body; `None` where the log level keeps none.
    pub body: Option<Excerpt>,
}

impl RunResponse {
    /// Shortens headers and body that are too long to keep.
    pub fn new(status: u16, headers: &HeaderLines, body: Option<&[u8]>) -> Self {
        Self {
            status,
            headers: shortened_lines(headers),
            body: body.map(Excerpt::of),
        }
    }
}

fn shortened(text: &str, max_bytes: usize) -> String {
    Excerpt::within(text.as_bytes(), max_bytes).into_text()
}

fn shortened_lines(headers: &HeaderLines) -> HeaderLines {
    HeaderLines::read(shortened(headers.as_str(), MAX_LINES_BYTES))
}

/// Why a firing was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// This run of the job was under way.
    StillRunning(RunId),
    /// It was later than allowed; the sentence says by how much.
    TooLate(String),
}

/// Firings that were skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The reason.
    pub reason: SkipReason,
    /// How many firings were skipped.
    pub firings: u64,
    /// When the last of them was due.
    pub last_due_at: Timestamp,
}

/// The job of a run, as it was at the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSubject {
    /// The job.
    pub key: JobKey,
    /// The entity that it acts for.
    pub tenant_id: Rid,
    /// Its name.
    pub name: String,
}

/// A run, as its log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRun {
    /// Its identifier, which is also that of its log.
    pub id: RunId,
    /// The job.
    pub subject: RunSubject,
    /// What caused it.
    pub trigger: RunTrigger,
    /// Its status.
    pub status: RunStatus,
    /// How many earlier firings it stands for.
    pub missed: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The results of its stages.
    pub stages: RunStages,
    /// What it counts.
    pub counts: RunCounts,
    /// The data as fetched, as JSON.
    pub data_fetched: Option<Excerpt>,
    /// The data as transformed, as JSON.
    pub transformed_payload: Option<Excerpt>,
    /// The request of its last batch, or of the one that failed.
    pub request: Option<RunRequest>,
    /// The response to that request.
    pub response: Option<RunResponse>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What was skipped, if it stands for skipped firings.
    pub skip: Option<Skip>,
    /// When its log may be deleted.
    pub expires_at: Timestamp,
}

impl JobRun {
    /// A run that begins now because its firing is due.
    pub fn scheduled(subject: RunSubject, firing: &DueFiring, expires_at: Timestamp, now: Timestamp) -> Self {
        let due_at = firing.due_at;
        let id = RunId::scheduled(subject.key.id, due_at);
        Self {
            missed: firing.missed,
            ..Self::begun(id, subject, RunTrigger::Scheduled { due_at }, expires_at, now)
        }
    }

    /// A run that begins now because a person asked for it; equal requests have equal keys.
    pub fn manual(subject: RunSubject, by: &str, idempotency_key: &str, expires_at: Timestamp, now: Timestamp) -> Self {
        let id = RunId::manual(subject.key.id, idempotency_key);
        let by = shortened(by, MAX_PERSON_BYTES);
        Self::begun(id, subject, RunTrigger::Manual { by }, expires_at, now)
    }

    /// A firing that did not run. All firings that one run kept from running share one log.
    pub fn skipped(subject: RunSubject, firing: &DueFiring, reason: SkipReason, expires_at: Timestamp, now: Timestamp) -> Self {
        let due_at = firing.due_at;
        let id = match &reason {
            SkipReason::StillRunning(run) => run.skips(),
            SkipReason::TooLate(_) => RunId::scheduled(subject.key.id, due_at),
        };
        let skip = Skip {
            reason,
            firings: u64::from(firing.missed) + 1,
            last_due_at: due_at,
        };
        Self {
            status: RunStatus::Skipped,
            completed_at: Some(now),
            skip: Some(skip),
            ..Self::begun(id, subject, RunTrigger::Scheduled { due_at }, expires_at, now)
        }
    }

    /// It begins at a millisecond, as the database keeps it: a process that continues it sees the same time.
    fn begun(id: RunId, subject: RunSubject, trigger: RunTrigger, expires_at: Timestamp, now: Timestamp) -> Self {
        let now = now.trunc_subsecs(3);
        Self {
            id,
            subject,
            trigger,
            status: RunStatus::Running,
            missed: 0,
            started_at: now,
            completed_at: None,
            stages: RunStages::default(),
            counts: RunCounts::default(),
            data_fetched: None,
            transformed_payload: None,
            request: None,
            response: None,
            error: None,
            skip: None,
            expires_at,
        }
    }

    /// The same run from its beginning: nothing that it did before counts.
    #[must_use]
    pub fn restarted(self) -> Self {
        Self {
            missed: self.missed,
            ..Self::begun(self.id, self.subject, self.trigger, self.expires_at, self.started_at)
        }
    }

    /// Ends it as successful.
    pub fn succeed(&mut self, now: Timestamp) {
        self.end(RunStatus::Success, now);
    }

    /// Ends it as failed.
    pub fn fail(&mut self, error: RunError, now: Timestamp) {
        self.stages.record(error.stage, StageResult::Failed);
        self.error = Some(error);
        self.end(RunStatus::Failed, now);
    }

    /// Ends it as cancelled.
    pub fn cancel(&mut self, now: Timestamp) {
        self.end(RunStatus::Cancelled, now);
    }

    fn end(&mut self, status: RunStatus, now: Timestamp) {
        self.status = status;
        self.completed_at = Some(now);
    }
}

#[cfg(test)]
mod tests;
