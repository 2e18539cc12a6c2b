//! The stages of a run.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::id::EventType;
use ig_core::integration::{LogLevel, Transformation};
use ig_core::job::{
    AtCap, Excerpt, FetchError, FetchLimits, Fetched, Job, JobRun, Resumption, RunError, RunProgress, RunStage, RunTrigger,
    Source, StageResult, Watermark,
};
use ig_core::{json, mask};
use ig_store::HoldOutcome;
use ig_transform::{CompiledShape, Subject, TransformError};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{RETRY_DELAY, RunExecutor, batches};
use crate::data_source::FetchContext;

/// The event type of a job's deliveries and scripts.
pub(super) const EVENT_TYPE: &str = "scheduled-job";
/// How often a script is tried while the script engine is busy.
const MAX_SCRIPT_TRIES: u32 = 20;
/// How often a fetch is tried when its source is away.
const MAX_FETCH_TRIES: u32 = 3;

/// A run under way.
pub(super) struct Stages<'a> {
    pub(super) executor: &'a RunExecutor,
    pub(super) job: &'a Arc<Job>,
    pub(super) run: JobRun,
    pub(super) claim: &'a str,
    pub(super) stored_watermark: Option<Watermark>,
    pub(super) resumption: Resumption,
    /// Fires when the run has to stop.
    pub(super) cancel: &'a CancellationToken,
}

/// How the stages ended.
#[derive(Debug)]
pub(super) enum StagesEnd {
    /// Everything was delivered; the watermark that was reached, if the job has one.
    Done(Option<Watermark>),
    /// A stage failed.
    Failed(RunError),
    /// The run had to stop.
    Interrupted,
}

/// Why the stages ended before the last.
pub(super) enum Stop {
    /// A stage failed.
    Failed(RunError),
    /// The run had to stop.
    Interrupted,
}

impl Stages<'_> {
    /// Goes through the stages.
    pub(super) async fn work(&mut self) -> StagesEnd {
        match self.try_work().await {
            Ok(reached) => StagesEnd::Done(reached),
            Err(Stop::Failed(error)) => StagesEnd::Failed(error),
            Err(Stop::Interrupted) => StagesEnd::Interrupted,
        }
    }

    async fn try_work(&mut self) -> Result<Option<Watermark>, Stop> {
        let fetched = self.fetch().await?;
        let reached = self.reached(&fetched)?;
        let output = self.transform(fetched.records).await?;
        let batches =
            batches::split(output, self.job.batch_size).map_err(|message| failed(RunStage::Transformation, &message))?;
        self.run.stages.record(RunStage::Transformation, StageResult::Success);
        self.deliver(batches).await?;
        Ok(reached)
    }

    async fn fetch(&mut self) -> Result<Fetched, Stop> {
        let config = &self.executor.config;
        let limits = FetchLimits {
            rows: config.max_records,
            bytes: config.max_fetch_bytes(),
            deadline: config.fetch_timeout(),
            at_cap: AtCap::Refuse,
        };
        let watermark = self.watermark_text();
        let context = FetchContext {
            org: self.job.org_id,
            tenant: self.job.tenant_id,
            job: self.job.id,
            now: self.run.started_at,
            watermark: watermark.as_deref(),
            limits,
            cancel: self.cancel,
        };
        let fetched = self.fetch_within(&context).await.map_err(|error| match error {
            FetchError::Cancelled => Stop::Interrupted,
            error => failed(RunStage::DataFetch, &error.to_string()),
        })?;
        self.run.counts.records_fetched = fetched.records.len() as u64;
        self.run.stages.record(RunStage::DataFetch, StageResult::Success);
        self.run.data_fetched = self.excerpt(|| Value::Array(fetched.records.clone()));
        self.advance_before_delivery(RunProgress::Transformation).await?;
        Ok(fetched)
    }

    /// A database that is away for a moment does not fail a daily job. What an API is asked again is decided with its request.
    async fn fetch_within(&self, context: &FetchContext<'_>) -> Result<Fetched, FetchError> {
        let is_api = matches!(self.job.source.source(), Source::Api(_));
        let mut tries = 1;
        loop {
            let fetched = self.executor.sources.fetch(self.job.source.source(), context).await;
            match fetched {
                Err(FetchError::Unavailable(_)) if !is_api && tries < MAX_FETCH_TRIES => {}
                fetched => return fetched,
            }
            let pause = Duration::from_secs(1 << tries);
            tries += 1;
            tokio::select! {
                () = self.cancel.cancelled() => return Err(FetchError::Cancelled),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// The value of `{{job.watermark}}`.
    fn watermark_text(&self) -> Option<String> {
        let configured = self.job.watermark.as_ref()?;
        Some(configured.value(self.stored_watermark.as_ref()))
    }

    fn reached(&self, fetched: &Fetched) -> Result<Option<Watermark>, Stop> {
        let Some(configured) = &self.job.watermark else {
            return Ok(None);
        };
        let reached = configured.reached(&fetched.records);
        reached.map_err(|message| failed(RunStage::DataFetch, &message))
    }

    /// The body to send; `None` where there is nothing to send.
    async fn transform(&mut self, records: Vec<Value>) -> Result<Option<Bytes>, Stop> {
        let output = match &self.job.script {
            None if records.is_empty() => None,
            None => Some(Bytes::from(Value::Array(records).to_string())),
            Some(script) => {
                let transformation = Transformation::Script(script.clone());
                let shape = CompiledShape::compile(&transformation, &[], self.job.script_timeout);
                let shape = shape.map_err(|faults| failed(RunStage::Transformation, &faults.to_string()))?;
                self.run_script(&shape, self.script_input(&records)?).await?
            }
        };
        match &output {
            Some(output) => self.run.transformed_payload = self.excerpt(|| json::parse(output).unwrap_or(Value::Null)),
            None => self.run.counts.skipped = u32::from(self.job.script.is_some()),
        }
        Ok(output)
    }

    fn script_input(&self, records: &[Value]) -> Result<Payload, Stop> {
        let run = &self.run;
        let due_at = match &run.trigger {
            RunTrigger::Scheduled { due_at } => Some(due_at.to_rfc3339()),
            RunTrigger::Manual { .. } => None,
        };
        let metadata = json!({
            "jobId": self.job.id.to_string(),
            "name": self.job.name,
            "orgId": self.job.org_id.0,
            "tenantId": self.job.tenant_id.0,
            "runId": run.id.to_string(),
            "scheduledFor": due_at,
            "startedAt": run.started_at.to_rfc3339(),
            "recordsFetched": records.len(),
            "watermark": self.watermark_text(),
            "timezone": self.executor.live.zone(self.job.org_id, self.job.tenant_id).name(),
        });
        let input = json!({ "data": records, "metadata": metadata });
        Payload::parse(Bytes::from(input.to_string())).map_err(|error| failed(RunStage::Transformation, &error.to_string()))
    }

    async fn run_script(&self, shape: &CompiledShape, input: Payload) -> Result<Option<Bytes>, Stop> {
        let event_type = EventType::new(EVENT_TYPE);
        let subject = Subject {
            org_id: self.job.org_id,
            entity_rid: self.job.tenant_id,
            integration: self.job.id,
            event_type: &event_type,
            now: self.run.started_at,
        };
        let mut tries = 1;
        loop {
            let shaped = self.executor.transformer.shape(shape, &input, &subject).await;
            let error = match shaped.result {
                Ok(output) => return Ok(output),
                Err(TransformError::Unavailable(_)) if tries < MAX_SCRIPT_TRIES => {
                    tries += 1;
                    self.pause(RETRY_DELAY).await?;
                    continue;
                }
                Err(error) => error,
            };
            // A script may print what it reads.
            let is_logged = self.job.log_level == LogLevel::Full && !shaped.console.is_empty();
            let console = is_logged.then(|| shaped.console.join("\n"));
            let error = RunError::new(RunStage::Transformation, &error.to_string(), console.as_deref());
            return Err(Stop::Failed(error));
        }
    }

    /// Waits, unless the run has to stop.
    pub(super) async fn pause(&self, pause: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Stop::Interrupted),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    /// Stores the progress of a run that has sent nothing. One that is continued has come further already.
    async fn advance_before_delivery(&self, progress: RunProgress) -> Result<(), Stop> {
        match self.resumption {
            Resumption::Continue { .. } => Ok(()),
            Resumption::Restart | Resumption::Fail(_) | Resumption::Cancel(_) => self.advance(progress).await,
        }
    }

    /// Stores how far the run has come, before it goes on.
    pub(super) async fn advance(&self, progress: RunProgress) -> Result<(), Stop> {
        loop {
            let claim = self.executor.claim(self.claim);
            match self.executor.states.advance(&self.run, &progress, claim).await {
                Ok(HoldOutcome::Held) => return Ok(()),
                // Whoever takes the run over finds the request to cancel it.
                Ok(HoldOutcome::CancelRequested(_) | HoldOutcome::Lost) => return Err(Stop::Interrupted),
                Err(error) => {
                    tracing::warn!(%error, ig.job.run = %self.run.id, "the progress of a run cannot be stored; trying again");
                    self.pause(RETRY_DELAY).await?;
                }
            }
        }
    }

    /// What the log keeps of data, secrets masked; `None` where the job logs no payloads.
    pub(super) fn excerpt(&self, data: impl FnOnce() -> Value) -> Option<Excerpt> {
        let is_logged = self.job.log_level == LogLevel::Full;
        is_logged.then(|| Excerpt::of(mask::json_value(data()).to_string().as_bytes()))
    }
}

pub(super) fn failed(stage: RunStage, message: &str) -> Stop {
    Stop::Failed(RunError::new(stage, message, None))
}
