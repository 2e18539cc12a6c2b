//! The client of job-runner, with refusals as the API's errors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::error_kind::ErrorKind;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::job::{DataSource, RunId};
use ig_core::secret::Secret;
use ig_peers::{RunNow, RunStarted, SourceSample, SourceTest};
use ig_proto::kind_of;
use ig_service::grpc::Client;
use parking_lot::Mutex;
use tonic::Status;

use crate::error::{ApiError, ErrorCode};

/// After no runner checked an organisation's data source, its others are not checked for this long: each job of a large document
/// would wait again.
const PAUSE: Duration = Duration::from_secs(10);

/// Asks the job-runners to run, cancel, test and check.
#[derive(Debug, Clone)]
pub(crate) struct JobClient {
    runners: ig_peers::JobClient,
    /// The organisations whose data sources are not checked, and until when: a source that keeps a runner busy delays its own alone.
    unchecked: Arc<Mutex<HashMap<OrgId, Instant>>>,
}

impl JobClient {
    /// Talks to the runners over a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self {
            runners: ig_peers::JobClient::new(channel),
            unchecked: Arc::default(),
        }
    }

    /// Starts a run of a job that exists.
    pub(crate) async fn run_now(&self, run: &RunNow<'_>) -> Result<RunStarted, ApiError> {
        self.runners.run_now(run).await.map_err(|status| match kind_of(&status) {
            ErrorKind::NotFound => ApiError::new(
                ErrorCode::Conflict,
                "The job has just changed and no job-runner knows it yet, please try again",
            ),
            ErrorKind::Conflict | ErrorKind::Stale => ApiError::new(ErrorCode::Conflict, status.message()),
            ErrorKind::Invalid => ApiError::new(ErrorCode::ValidationError, status.message()),
            _ => away(&status),
        })
    }

    /// Has a run noticed that is to end. The request is stored, so a runner that is away notices it later.
    pub(crate) async fn nudge_to_cancel(&self, org: OrgId, run: RunId) {
        if let Err(status) = self.runners.cancel_run(org, run).await {
            tracing::info!(%status, %org, "no job-runner was told of a request to cancel a run; its holder reads it with its next write");
        }
    }

    /// Reads a few records from a data source. A test that takes too long has failed, like any other that reads nothing.
    pub(crate) async fn test_source(&self, test: &SourceTest<'_>) -> Result<SourceSample, ApiError> {
        match self.runners.test_source(test).await {
            Ok(sample) => Ok(sample),
            Err(status) => match kind_of(&status) {
                ErrorKind::TimedOut => Ok(timed_out(test.timeout)),
                ErrorKind::Invalid => Err(ApiError::fault("/dataSource", status.message())),
                _ => Err(away(&status)),
            },
        }
    }

    /// The faults of a data source, as far as a runner can be asked now: it checks again before every run.
    pub(crate) async fn source_faults(&self, org: OrgId, source: &DataSource) -> Faults {
        if self.unchecked.lock().get(&org).is_some_and(|until| Instant::now() < *until) {
            return Faults::default();
        }
        match self.runners.check_source(org, source).await {
            Ok(faults) => faults,
            Err(status) => {
                tracing::warn!(%status, %org, "no job-runner checked a data source; the job is saved unchecked");
                self.pause_checks_of(org);
                Faults::default()
            }
        }
    }

    fn pause_checks_of(&self, org: OrgId) {
        let now = Instant::now();
        let mut unchecked = self.unchecked.lock();
        unchecked.retain(|_, until| now < *until);
        unchecked.insert(org, now + PAUSE);
    }

    /// The faults of a database's address and of the rights that its user has.
    pub(crate) async fn connection_faults(&self, url: &Secret) -> Result<Faults, ApiError> {
        self.runners.check_connection(url).await.map_err(|status| {
            tracing::warn!(%status, "no job-runner checked a connection");
            ApiError::unavailable("The connection cannot be checked now: no job-runner can be reached, please try again")
        })
    }
}

fn away(status: &Status) -> ApiError {
    tracing::warn!(%status, "no job-runner did what was asked");
    ApiError::unavailable("No job-runner can be reached now, please try again")
}

fn timed_out(timeout: Duration) -> SourceSample {
    SourceSample {
        records: Vec::new(),
        is_truncated: false,
        error: Some(format!("The data source did not answer within {} s.", timeout.as_secs())),
        duration: timeout,
    }
}
