//! Delivers the batches of a run: one order to delivery-worker after the other.

use std::time::Duration;

use bytes::Bytes;
use ig_core::curl;
use ig_core::delivery_command::{CommandOutcome, CommandReport, DeliveryCommand};
use ig_core::delivery_log::{DeliveryLog, TriggerType};
use ig_core::id::{EventType, LogId};
use ig_core::integration::{HttpMethod, LogLevel};
use ig_core::job::{
    Job, PayloadDigest, Resumption, RunError, RunProgress, RunRequest, RunResponse, RunStage, StageResult, batch_message_id,
};
use ig_proto::CommandRefusal;

use super::stages::{EVENT_TYPE, Stages, Stop, failed};

/// The first pause while no worker takes an order; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(10);
/// How often an order is given to workers that do not know the job yet.
const MAX_UNKNOWN: u32 = 6;

impl Stages<'_> {
    /// Delivers the batches in order, and stops at the first that fails.
    pub(super) async fn deliver(&mut self, batches: Vec<Bytes>) -> Result<(), Stop> {
        let digest = PayloadDigest::of(&batches);
        let first = self.first_batch(digest)?;
        let count = u32::try_from(batches.len()).unwrap_or(u32::MAX);
        (self.run.counts.batches, self.run.counts.delivered) = (count, first);
        let progress = |delivered| RunProgress::Delivery {
            batches: count,
            delivered,
            digest,
        };
        if count > 0 {
            self.advance(progress(first)).await?;
        }
        for (index, batch) in (0..count).zip(batches).skip(first as usize) {
            self.check_unchanged()?;
            let report = self.order(index, batch).await?;
            let is_last = index + 1 == count;
            if report.outcome != CommandOutcome::Delivered || is_last {
                self.describe(report.log_id).await;
            }
            if let Some(error) = error_of(&report, index, count) {
                return Err(Stop::Failed(error));
            }
            self.run.counts.delivered = index + 1;
            if !is_last {
                self.advance(progress(index + 1)).await?;
            }
        }
        self.run.stages.record(RunStage::Delivery, StageResult::Success);
        Ok(())
    }

    /// The first batch to deliver. What was sent before the run was left has to be what would be sent now.
    fn first_batch(&self, made: PayloadDigest) -> Result<u32, Stop> {
        match &self.resumption {
            Resumption::Continue { from_batch, digest } if *digest == made => Ok(*from_batch),
            Resumption::Continue { from_batch, .. } => {
                let message = format!(
                    "The process that ran it was lost after {from_batch} deliveries, and the source has other data now. The next run fetches it again."
                );
                Err(failed(RunStage::Delivery, &message))
            }
            Resumption::Restart | Resumption::Fail(_) | Resumption::Cancel(_) => Ok(0),
        }
    }

    /// What was fetched for one entity and target is not sent for another.
    fn check_unchanged(&self) -> Result<(), Stop> {
        let current = self.executor.live.job(self.job.org_id, self.job.id);
        let is_same = current.is_some_and(|current| {
            let of = |job: &Job| (job.tenant_id, job.target.clone(), job.source.clone());
            of(&current) == of(self.job)
        });
        if is_same {
            return Ok(());
        }
        Err(failed(
            RunStage::Delivery,
            "The job was changed during its run, so what it fetched is not sent. The next run is as configured now.",
        ))
    }

    /// Orders one delivery. While no worker takes orders, it waits.
    async fn order(&self, index: u32, batch: Bytes) -> Result<CommandReport, Stop> {
        let command = self.command(index, batch);
        let (mut pause, mut unknown) = (FIRST_PAUSE, 0);
        loop {
            let executed = tokio::select! {
                () = self.cancel.cancelled() => return Err(Stop::Interrupted),
                executed = self.executor.worker.deliver(&command) => executed,
            };
            let refused = match executed {
                Ok(executed) => return Ok(executed.report),
                Err(refused) => refused,
            };
            match refused.refusal {
                CommandRefusal::Never(reason) => return Err(failed(RunStage::Delivery, &reason)),
                CommandRefusal::Unknown if unknown >= MAX_UNKNOWN => {
                    return Err(failed(RunStage::Delivery, "The job was deleted before it was delivered."));
                }
                CommandRefusal::Unknown => unknown += 1,
                CommandRefusal::Away => tracing::debug!(status = %refused.status, "no worker takes a job's order; trying again"),
            }
            self.pause(pause).await?;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    fn command(&self, index: u32, payload: Bytes) -> DeliveryCommand {
        let (source, event_id) = self.run.id.source();
        DeliveryCommand {
            org_id: self.job.org_id,
            integration: self.job.id,
            action_index: 0,
            message_id: batch_message_id(self.job.id, self.run.id, index),
            source,
            event_id,
            event_type: EventType::new(EVENT_TYPE),
            entity_rid: self.job.tenant_id,
            event_created_at: Some(self.run.started_at),
            payload,
            trigger: TriggerType::Scheduled,
            claim_id: String::new(),
        }
    }

    /// Adds the request and the response of a delivery to the run's log.
    async fn describe(&mut self, log: LogId) {
        let found = self.executor.delivery_logs.get(self.job.org_id, log).await;
        let log = match found {
            Ok(Some(log)) => log,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, ig.job.run = %self.run.id, "the log of a delivery cannot be read for its run's log");
                return;
            }
        };
        let is_full = self.job.log_level == LogLevel::Full;
        self.run.request = Some(request_of(&log, self.job.target.method, is_full));
        self.run.response = response_of(&log, is_full);
    }
}

fn request_of(log: &DeliveryLog, method: HttpMethod, is_full: bool) -> RunRequest {
    let url = &log.target.url;
    let body = log
        .request_payload
        .as_ref()
        .or(log.original_payload.as_ref())
        .filter(|_| is_full);
    let curl = body.map(|body| curl::command(method.as_str(), &url.to_string(), log.request_headers.iter(), Some(body)));
    RunRequest::new(
        method,
        url.clone(),
        &log.request_headers,
        body.map(AsRef::as_ref),
        curl.as_deref(),
    )
}

fn response_of(log: &DeliveryLog, is_full: bool) -> Option<RunResponse> {
    let attempt = log.attempts.last()?;
    let body = attempt.response_body.as_ref().filter(|_| is_full);
    let body = body.map(|body| body.bytes.as_ref());
    Some(RunResponse::new(attempt.response_status?, &attempt.response_headers, body))
}

/// Why a delivery makes its run fail; its dead letter is retried apart from the run.
fn error_of(report: &CommandReport, index: u32, count: u32) -> Option<RunError> {
    let which = if count > 1 {
        format!("Delivery {} of {count}: ", index + 1)
    } else {
        String::new()
    };
    let told = report.error.as_ref().map(|(_, message)| message.as_str());
    let message = match report.outcome {
        CommandOutcome::Delivered | CommandOutcome::Skipped => return None,
        CommandOutcome::Retryable | CommandOutcome::Refused => told.unwrap_or("The target did not accept it."),
        CommandOutcome::Held => told.unwrap_or("It is held: the circuit breaker is open, or the job is paused."),
    };
    Some(RunError::new(RunStage::Delivery, &format!("{which}{message}"), None))
}
