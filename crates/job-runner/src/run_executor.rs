//! Executes a run: fetch, transform, deliver, each step recorded before the next.
//!
//! A run is held by a claim with a lease that is renewed while it is under way. Whoever loses the claim stops, and what it
//! still writes is refused. A run that was left is continued by the process that claims it next.

mod batches;
mod delivery;
mod holding;
mod stages;

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Clock;
use ig_core::job::{JobRun, JobState, Resumption, RunError, RunStage, RunStatus, Watermark};
use ig_core::ports::Alerts as _;
use ig_peers::{AlertClient, WorkerClient};
use ig_store::{DeliveryLogs, FinishOutcome, JobStates, RunClaim};
use ig_transform::Transformer;
use tokio_util::sync::CancellationToken;

use crate::config::JobsConfig;
use crate::data_source::DataSources;
use crate::live_jobs::LiveJobs;
use crate::metrics;
use holding::Interruption;
use stages::{Stages, StagesEnd};

/// The pause before a write is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Executes runs.
pub(crate) struct RunExecutor {
    pub(crate) states: JobStates,
    pub(crate) delivery_logs: DeliveryLogs,
    pub(crate) live: LiveJobs,
    pub(crate) sources: Arc<DataSources>,
    pub(crate) transformer: Transformer,
    pub(crate) worker: WorkerClient,
    pub(crate) alerts: AlertClient,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: JobsConfig,
    /// Fires when the process stops.
    pub(crate) stop: CancellationToken,
}

/// A run that this process holds.
#[derive(Debug)]
pub(crate) struct HeldRun {
    /// The state of its job when it was claimed.
    pub(crate) state: JobState,
    /// Its log so far.
    pub(crate) run: JobRun,
    /// The claim.
    pub(crate) claim: String,
    /// Where it begins.
    pub(crate) resumption: Resumption,
}

impl RunExecutor {
    /// A claim that begins or continues now.
    pub(crate) fn claim<'a>(&self, id: &'a str) -> RunClaim<'a> {
        let now = self.clock.now();
        let until = now + self.config.lease();
        RunClaim { id, now, until }
    }

    /// Executes a run to its end, or until its claim is lost or the process stops.
    pub(crate) async fn execute(&self, held: HeldRun) {
        let HeldRun {
            state,
            run,
            claim,
            resumption,
        } = held;
        let run = match resumption {
            Resumption::Fail(error) => return self.end_failed(run, error, &claim).await,
            Resumption::Cancel(_) => return self.end_cancelled(run, &claim).await,
            Resumption::Restart => run.restarted(),
            Resumption::Continue { .. } => run,
        };
        let Some(job) = self.live.job(run.subject.key.org_id, run.subject.key.id) else {
            return self.leave_deleted(&run).await;
        };
        if job.tenant_id != run.subject.tenant_id {
            let error = RunError::new(
                RunStage::DataFetch,
                "The job was moved to another entity during its run.",
                None,
            );
            return self.end_failed(run, error, &claim).await;
        }
        let (key, id, cancel) = (run.subject.key, run.id, CancellationToken::new());
        let mut stages = Stages {
            executor: self,
            job: &job,
            run,
            claim: &claim,
            stored_watermark: state.watermark,
            resumption,
            cancel: &cancel,
        };
        let interruption = {
            let work = stages.work();
            tokio::pin!(work);
            tokio::select! {
                end = &mut work => Err(end),
                interruption = self.hold(key, id, &claim) => {
                    // A query that is under way is ended at its server first.
                    cancel.cancel();
                    Ok((interruption, work.await))
                }
            }
        };
        let run = stages.run;
        match interruption {
            Ok((Interruption::Lost, _)) => tracing::warn!(ig.job.run = %id, "the claim on a run was lost"),
            Ok((Interruption::Cancelled, StagesEnd::Interrupted)) => self.end_cancelled(run, &claim).await,
            Ok((Interruption::Stopping, StagesEnd::Interrupted)) => self.release(&run, &claim).await,
            // It may have ended while it was being interrupted.
            Ok((Interruption::Cancelled | Interruption::Stopping, end)) | Err(end) => self.end(run, end, &claim).await,
        }
    }

    async fn end(&self, mut run: JobRun, end: StagesEnd, claim: &str) {
        match end {
            StagesEnd::Done(reached) => {
                run.succeed(self.clock.now());
                self.finish(run, reached, claim).await;
            }
            StagesEnd::Failed(error) => self.end_failed(run, error, claim).await,
            StagesEnd::Interrupted => self.release(&run, claim).await,
        }
    }

    async fn end_failed(&self, mut run: JobRun, error: RunError, claim: &str) {
        run.fail(error, self.clock.now());
        self.finish(run, None, claim).await;
    }

    async fn end_cancelled(&self, mut run: JobRun, claim: &str) {
        run.cancel(self.clock.now());
        self.finish(run, None, claim).await;
    }

    /// Stores the end of a run. While the database is away, it is tried until the claim is lost; the next holder ends it then.
    async fn finish(&self, run: JobRun, reached: Option<Watermark>, claim: &str) {
        loop {
            match self.states.finish(&run, reached.as_ref(), self.claim(claim)).await {
                Ok(FinishOutcome::Stored(_)) => break,
                Ok(FinishOutcome::Lost) => return,
                Err(error) => tracing::warn!(%error, ig.job.run = %run.id, "the end of a run cannot be stored; trying again"),
            }
            if self.stop.is_cancelled() {
                return;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        metrics::record_ended(&run);
        if run.status == RunStatus::Failed {
            self.alerts.raise(&failed_alert(&run)).await;
        }
    }

    /// Ends the run of a deleted job with its state. A job that exists is only too new for this process: the claim ends by itself.
    async fn leave_deleted(&self, run: &JobRun) {
        if let Err(error) = self.states.remove_deleted(run.subject.key, self.clock.now()).await {
            tracing::warn!(%error, ig.job.run = %run.id, "the run of a deleted job cannot be ended; trying again");
        }
    }

    /// Lets another process continue a run at once.
    async fn release(&self, run: &JobRun, claim: &str) {
        let released = self.states.release(run.subject.key, run.id, self.claim(claim)).await;
        if let Err(error) = released {
            tracing::warn!(%error, ig.job.run = %run.id, "a run cannot be released; its lease ends by itself");
        }
    }
}

fn failed_alert(run: &JobRun) -> Alert {
    let (subject, error) = (&run.subject, run.error.as_ref());
    let stage = error.map_or("", |error| error.stage.as_str());
    Alert {
        org_id: Some(subject.key.org_id),
        kind: "job-failed".to_owned(),
        key: subject.key.id.to_string(),
        severity: Severity::Warning,
        // Its error may quote what the job read, so people look into the log.
        message: format!("The job {} failed at {stage}; its log {} says why.", subject.name, run.id),
        at: run.completed_at.unwrap_or(run.started_at),
    }
}
