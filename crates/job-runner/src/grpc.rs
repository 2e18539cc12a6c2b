//! The gRPC service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::error_kind::ErrorKind;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::job::{AtCap, DataSource, FetchError, FetchLimits, Fetched, RunId};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ig_proto::status;
use ig_proto::v1::job_service_server::JobService;
use ig_proto::v1::{
    CancelRunRequest, CancelRunResponse, CheckConnectionRequest, CheckConnectionResponse, CheckDataSourceRequest,
    CheckDataSourceResponse, InputFault, RunNowRequest, RunNowResponse, TestDataSourceRequest, TestDataSourceResponse,
};
use ig_service::TaskKind;
use ig_store::{CancelOutcome, JobLogs};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::data_source::FetchContext;
use crate::poller::{Poller, RequestedRun};
use crate::run_slots::{Counts, RunSlots};

/// How many records a test returns.
const TEST_RECORDS: usize = 10;
/// The most bytes that a test returns.
const TEST_BYTES: usize = 2 * 1024 * 1024;
/// The most tests at once, in all and of one organisation.
const MAX_TESTS: usize = 8;
const MAX_TESTS_PER_ORG: usize = 2;
/// How long a test may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Who cancels a run whose caller has stored no request of their own.
const CALLER: &str = "JobService.CancelRun";

/// Implements `JobService`.
pub(crate) struct JobGrpc {
    poller: Poller,
    logs: JobLogs,
    test_slots: RunSlots,
}

impl JobGrpc {
    pub(crate) fn new(poller: Poller, logs: JobLogs) -> Self {
        let test_slots = RunSlots::new(Counts::Tests, MAX_TESTS, MAX_TESTS_PER_ORG);
        Self {
            poller,
            logs,
            test_slots,
        }
    }

    async fn test(&self, request: TestDataSourceRequest) -> Result<TestDataSourceResponse, Status> {
        let TestDataSourceRequest {
            org_id,
            tenant_id,
            data_source,
            watermark,
        } = request;
        let source = parse_source(&data_source)?;
        let began = Instant::now();
        let fetched = self.fetch_sample(OrgId(org_id), Rid(tenant_id), source, watermark).await?;
        let duration = prost_types::Duration::try_from(began.elapsed()).ok();
        Ok(match fetched {
            Ok(fetched) => TestDataSourceResponse {
                records: fetched.records.iter().map(ToString::to_string).collect(),
                is_truncated: fetched.is_truncated,
                error: String::new(),
                duration,
            },
            Err(error) => TestDataSourceResponse {
                error: error.to_string(),
                duration,
                ..TestDataSourceResponse::default()
            },
        })
    }
}

impl JobGrpc {
    /// Fetches in a task of its own: a call that is dropped fires the token, and the task then ends the query at its server.
    async fn fetch_sample(
        &self,
        org: OrgId,
        tenant: Rid,
        source: DataSource,
        watermark: Option<String>,
    ) -> Result<Result<Fetched, FetchError>, Status> {
        let slot = self.test_slots.take(org);
        let slot = slot.ok_or_else(|| status(ErrorKind::Unavailable, "too many data sources are being tested: try again"))?;
        let cancel = CancellationToken::new();
        let _cancel_on_drop = cancel.clone().drop_guard();
        let (sender, receiver) = oneshot::channel();
        let executor = Arc::clone(&self.poller.executor);
        self.poller
            .tasks
            .spawn("a test of a data source", TaskKind::OneShot, async move {
                let context = FetchContext {
                    org,
                    tenant,
                    job: IntegrationId([0; 12]),
                    now: executor.clock.now(),
                    watermark: watermark.as_deref(),
                    limits: FetchLimits {
                        rows: TEST_RECORDS,
                        bytes: TEST_BYTES,
                        deadline: TEST_TIMEOUT,
                        at_cap: AtCap::Truncate,
                    },
                    cancel: &cancel,
                };
                // The call may have been dropped meanwhile.
                drop(sender.send(executor.sources.fetch(source.source(), &context).await));
                drop(slot);
            });
        receiver
            .await
            .map_err(|_| status(ErrorKind::Unavailable, "the service stops"))
    }
}

#[tonic::async_trait]
impl JobService for JobGrpc {
    async fn run_now(&self, request: Request<RunNowRequest>) -> Result<Response<RunNowResponse>, Status> {
        let RunNowRequest {
            org_id,
            job_id,
            idempotency_key,
            requested_by,
        } = request.into_inner();
        let id = job_id
            .parse()
            .map_err(|_| status(ErrorKind::Invalid, "job_id: must be 24 hexadecimal digits"))?;
        let job = self.poller.executor.live.job(OrgId(org_id), id);
        let job = job.ok_or_else(|| status(ErrorKind::NotFound, "the organisation has no such job"))?;
        let requested = self.poller.run_now(&job, &requested_by, &idempotency_key).await;
        match requested.map_err(|error| store_status(&error))? {
            RequestedRun::Begun(run) => Ok(Response::new(RunNowResponse::new(run.id, &run.started_at))),
            RequestedRun::StillRunning => Err(status(ErrorKind::Conflict, "another run of the job is under way")),
            RequestedRun::NotFound => Err(status(ErrorKind::NotFound, "the organisation has no such job")),
            RequestedRun::NoSlot => Err(status(
                ErrorKind::Unavailable,
                "as many runs are under way as there may be: try again later",
            )),
        }
    }

    async fn cancel_run(&self, request: Request<CancelRunRequest>) -> Result<Response<CancelRunResponse>, Status> {
        let CancelRunRequest { org_id, job_log_id } = request.into_inner();
        let (org_id, not_found) = (OrgId(org_id), || {
            status(ErrorKind::NotFound, "the organisation has no such run")
        });
        let id: RunId = job_log_id.parse().map_err(|_| not_found())?;
        let run = self.logs.get(org_id, id).await.map_err(|error| store_status(&error))?;
        let key = run.ok_or_else(not_found)?.subject.key;
        let executor = &self.poller.executor;
        let cancelled = executor.states.cancel(key, id, CALLER, executor.clock.now()).await;
        match cancelled.map_err(|error| store_status(&error))? {
            CancelOutcome::Requested => Ok(Response::new(CancelRunResponse { was_running: true })),
            CancelOutcome::Ended(_) => Ok(Response::new(CancelRunResponse { was_running: false })),
            CancelOutcome::NotFound => Err(not_found()),
        }
    }

    async fn test_data_source(
        &self,
        request: Request<TestDataSourceRequest>,
    ) -> Result<Response<TestDataSourceResponse>, Status> {
        self.test(request.into_inner()).await.map(Response::new)
    }

    async fn check_data_source(
        &self,
        request: Request<CheckDataSourceRequest>,
    ) -> Result<Response<CheckDataSourceResponse>, Status> {
        let CheckDataSourceRequest { org_id, data_source } = request.into_inner();
        let source = parse_source(&data_source)?;
        let checked = self.poller.executor.sources.check(OrgId(org_id), source.source()).await;
        let faults = checked.map_err(|error| fetch_status(&error))?;
        Ok(Response::new(CheckDataSourceResponse {
            faults: to_wire(&faults),
        }))
    }

    async fn check_connection(
        &self,
        request: Request<CheckConnectionRequest>,
    ) -> Result<Response<CheckConnectionResponse>, Status> {
        let url = Secret::new(request.into_inner().url);
        let faults = self.poller.executor.sources.check_connection(&url).await;
        Ok(Response::new(CheckConnectionResponse {
            faults: to_wire(&faults),
        }))
    }
}

fn parse_source(text: &str) -> Result<DataSource, Status> {
    let invalid = |message: String| status(ErrorKind::Invalid, format!("data_source: {message}"));
    let document = ig_core::json::parse(text.as_bytes()).map_err(|error| invalid(error.to_string()))?;
    DataSource::read(&document).map_err(|faults| invalid(faults.to_string()))
}

fn to_wire(faults: &Faults) -> Vec<InputFault> {
    let faults = faults.list().iter().map(|fault| InputFault {
        pointer: fault.pointer.clone(),
        message: fault.message.clone(),
    });
    faults.collect()
}

fn store_status(error: &StoreError) -> Status {
    tracing::warn!(%error, "the database did not do what a job needs");
    match error {
        StoreError::Unavailable(_) => status(ErrorKind::Unavailable, "the database is not available"),
        StoreError::Refused(_) => status(ErrorKind::Internal, "the database refused"),
    }
}

fn fetch_status(error: &FetchError) -> Status {
    let kind = if error.is_retryable() {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Internal
    };
    status(kind, error.to_string())
}
