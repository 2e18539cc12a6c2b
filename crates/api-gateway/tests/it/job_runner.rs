//! A job-runner that records what it is asked and replies by a script.

use std::sync::Arc;

use ig_core::job::RunId;
use ig_proto::v1::job_service_server::{JobService, JobServiceServer};
use ig_proto::v1::{
    CancelRunRequest, CancelRunResponse, CheckConnectionRequest, CheckConnectionResponse, CheckDataSourceRequest,
    CheckDataSourceResponse, InputFault, RunNowRequest, RunNowResponse, TestDataSourceRequest, TestDataSourceResponse,
};
use ig_service::config::GrpcConfig;
use ig_service::grpc::Services;
use ig_service::{Context, Stop};
use ig_testkit::mongo::database;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::api::Api;

/// The script and the record, shared with the server.
#[derive(Clone, Default)]
pub(crate) struct FakeRunner(Arc<Script>);

#[derive(Default)]
pub(crate) struct Script {
    pub(crate) runs: Mutex<Vec<RunNowRequest>>,
    pub(crate) cancelled: Mutex<Vec<CancelRunRequest>>,
    pub(crate) tests: Mutex<Vec<TestDataSourceRequest>>,
    pub(crate) sources: Mutex<Vec<CheckDataSourceRequest>>,
    pub(crate) urls: Mutex<Vec<String>>,
    /// The reply to every request to run a job or to test or check a data source, if it is a refusal.
    pub(crate) refusal: Mutex<Option<Status>>,
    pub(crate) source_faults: Mutex<Vec<InputFault>>,
    pub(crate) connection_faults: Mutex<Vec<InputFault>>,
    /// The reply to tests; a test without one lasts until its caller leaves.
    pub(crate) sample: Mutex<Option<TestDataSourceResponse>>,
    pub(crate) left: Notify,
}

/// Tells of the end of a call that got no reply.
struct Leaving(Arc<Script>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.notify_one();
    }
}

impl std::ops::Deref for FakeRunner {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.0
    }
}

impl FakeRunner {
    /// A runner, and a gateway that knows it.
    pub(crate) async fn with_gateway() -> (Self, Api) {
        let runner = Self::default();
        let address = runner.serve().await;
        let api = Api::start_with(Arc::new(database()), |config| config.services.job_runner = address).await;
        (runner, api)
    }

    /// Starts the runner on a free port.
    pub(crate) async fn serve(&self) -> String {
        let services = Services::new(Routes::new(JobServiceServer::new(self.clone())));
        let context = Context::new("job-runner", &Stop::new());
        let served = context.serve_grpc(&GrpcConfig::default(), services).await;
        served.unwrap().to_string()
    }

    /// The data source of the last test.
    pub(crate) fn tested_source(&self) -> Value {
        let tests = self.tests.lock();
        serde_json::from_str(&tests.last().expect("a test").data_source).unwrap()
    }
}

pub(crate) fn fault(pointer: &str, message: &str) -> InputFault {
    InputFault {
        pointer: pointer.to_owned(),
        message: message.to_owned(),
    }
}

#[tonic::async_trait]
impl JobService for FakeRunner {
    async fn run_now(&self, request: Request<RunNowRequest>) -> Result<Response<RunNowResponse>, Status> {
        let request = request.into_inner();
        if let Some(refusal) = self.refusal.lock().clone() {
            return Err(refusal);
        }
        let run = RunId::manual(request.job_id.parse().unwrap(), &request.idempotency_key);
        self.runs.lock().push(request);
        let started_at = std::time::SystemTime::UNIX_EPOCH.into();
        Ok(Response::new(RunNowResponse {
            job_log_id: run.to_string(),
            started_at: Some(started_at),
        }))
    }

    async fn cancel_run(&self, request: Request<CancelRunRequest>) -> Result<Response<CancelRunResponse>, Status> {
        self.cancelled.lock().push(request.into_inner());
        Ok(Response::new(CancelRunResponse { was_running: true }))
    }

    async fn test_data_source(
        &self,
        request: Request<TestDataSourceRequest>,
    ) -> Result<Response<TestDataSourceResponse>, Status> {
        self.tests.lock().push(request.into_inner());
        if let Some(refusal) = self.refusal.lock().clone() {
            return Err(refusal);
        }
        let sample = self.sample.lock().clone();
        if let Some(sample) = sample {
            return Ok(Response::new(sample));
        }
        let _leaving = Leaving(Arc::clone(&self.0));
        std::future::pending().await
    }

    async fn check_data_source(
        &self,
        request: Request<CheckDataSourceRequest>,
    ) -> Result<Response<CheckDataSourceResponse>, Status> {
        self.sources.lock().push(request.into_inner());
        if let Some(refusal) = self.refusal.lock().clone() {
            return Err(refusal);
        }
        let faults = self.source_faults.lock().clone();
        Ok(Response::new(CheckDataSourceResponse { faults }))
    }

    async fn check_connection(
        &self,
        request: Request<CheckConnectionRequest>,
    ) -> Result<Response<CheckConnectionResponse>, Status> {
        self.urls.lock().push(request.into_inner().url);
        let faults = self.connection_faults.lock().clone();
        Ok(Response::new(CheckConnectionResponse { faults }))
    }
}
