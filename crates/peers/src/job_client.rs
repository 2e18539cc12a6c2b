//! The client of job-runner.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{OrgId, Rid};
use ig_core::job::{DataSource, JobKey, RunId};
use ig_core::secret::Secret;
use ig_proto::MAX_COMMAND_BYTES;
use ig_proto::v1::job_service_client::JobServiceClient;
use ig_proto::v1::{
    CancelRunRequest, CheckConnectionRequest, CheckDataSourceRequest, InputFault, RunNowRequest, RunNowResponse,
    TestDataSourceRequest, TestDataSourceResponse,
};
use ig_service::grpc::Client;
use tonic::{Request, Status};

/// How long starting or cancelling a run may take.
const RUN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long checking a data source may take: it reads nothing.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long connecting to a database may take.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the job-runners to run, cancel, test and check. Cheap to clone.
#[derive(Debug, Clone)]
pub struct JobClient(JobServiceClient<Client>);

/// A request to run a job now.
#[derive(Debug, Clone, Copy)]
pub struct RunNow<'a> {
    /// The job.
    pub job: JobKey,
    /// One run answers all requests with this key.
    pub idempotency_key: &'a str,
    /// Who asks, as the log names them.
    pub requested_by: &'a str,
}

/// A run that a request started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStarted {
    /// The run, and its log.
    pub run: RunId,
    /// When it began.
    pub started_at: Timestamp,
}

/// A data source to test.
#[derive(Debug, Clone, Copy)]
pub struct SourceTest<'a> {
    /// The tenant.
    pub org_id: OrgId,
    /// The entity that the job acts for.
    pub tenant_id: Rid,
    /// The data source.
    pub source: &'a DataSource,
    /// The value of `{{job.watermark}}`, for a job with one.
    pub watermark: Option<&'a str>,
    /// How long the test may take; then its query is killed.
    pub timeout: Duration,
}

/// What a test read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSample {
    /// The records, each as JSON text.
    pub records: Vec<String>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Why it failed; `None` on success.
    pub error: Option<String>,
    /// How long it took.
    pub duration: Duration,
}

impl JobClient {
    /// Talks to the runners over a channel.
    pub fn new(channel: Client) -> Self {
        let client = JobServiceClient::new(channel);
        Self(
            client
                .max_encoding_message_size(MAX_COMMAND_BYTES)
                .max_decoding_message_size(MAX_COMMAND_BYTES),
        )
    }

    /// Starts a run.
    pub async fn run_now(&self, run: &RunNow<'_>) -> Result<RunStarted, Status> {
        let RunNow {
            job,
            idempotency_key,
            requested_by,
        } = *run;
        let message = RunNowRequest {
            org_id: job.org_id.0,
            job_id: job.id.to_string(),
            idempotency_key: idempotency_key.to_owned(),
            requested_by: requested_by.to_owned(),
        };
        let response = self.0.clone().run_now(within(RUN_TIMEOUT, message)).await?.into_inner();
        run_started(&response).ok_or_else(|| Status::internal("the started run cannot be understood"))
    }

    /// Asks for the end of a run; returns whether it was still running.
    pub async fn cancel_run(&self, org: OrgId, run: RunId) -> Result<bool, Status> {
        let message = CancelRunRequest {
            org_id: org.0,
            job_log_id: run.to_string(),
        };
        let response = self.0.clone().cancel_run(within(RUN_TIMEOUT, message)).await?;
        Ok(response.into_inner().was_running)
    }

    /// Reads a few records from a data source. Dropping the future kills its query.
    pub async fn test_source(&self, test: &SourceTest<'_>) -> Result<SourceSample, Status> {
        let SourceTest {
            org_id,
            tenant_id,
            source,
            watermark,
            timeout,
        } = *test;
        let message = TestDataSourceRequest {
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            data_source: source.document().to_string(),
            watermark: watermark.map(str::to_owned),
        };
        let response = self.0.clone().test_data_source(within(timeout, message)).await?;
        Ok(sample(response.into_inner()))
    }

    /// The faults of a data source, by their places in it.
    pub async fn check_source(&self, org: OrgId, source: &DataSource) -> Result<Faults, Status> {
        let message = CheckDataSourceRequest {
            org_id: org.0,
            data_source: source.document().to_string(),
        };
        let response = self.0.clone().check_data_source(within(SOURCE_TIMEOUT, message)).await?;
        Ok(faults(response.into_inner().faults))
    }

    /// The faults of a database's address and of the rights that its user has.
    pub async fn check_connection(&self, url: &Secret) -> Result<Faults, Status> {
        let message = CheckConnectionRequest {
            url: url.expose().to_owned(),
        };
        let response = self.0.clone().check_connection(within(CONNECTION_TIMEOUT, message)).await?;
        Ok(faults(response.into_inner().faults))
    }
}

fn within<T>(timeout: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}

fn run_started(response: &RunNowResponse) -> Option<RunStarted> {
    let began = response.started_at.as_ref()?;
    let nanos = u32::try_from(began.nanos).ok()?;
    Some(RunStarted {
        run: response.job_log_id.parse().ok()?,
        started_at: Timestamp::from_timestamp(began.seconds, nanos)?,
    })
}

fn sample(response: TestDataSourceResponse) -> SourceSample {
    let TestDataSourceResponse {
        records,
        is_truncated,
        error,
        duration,
    } = response;
    SourceSample {
        records,
        is_truncated,
        error: (!error.is_empty()).then_some(error),
        duration: duration.and_then(|duration| duration.try_into().ok()).unwrap_or_default(),
    }
}

fn faults(found: Vec<InputFault>) -> Faults {
    let mut faults = Faults::default();
    for InputFault { pointer, message } in found {
        faults.add(pointer, message);
    }
    faults
}
