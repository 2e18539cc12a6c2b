//! The contract as far as this version serves it.

use ig_proto::not_served;
use ig_proto::v1;
use ig_proto::v1::job_service_server::JobService;
use tonic::{Request, Response, Status};

/// Answers every rpc with the word that it is not served yet.
#[derive(Debug)]
pub(crate) struct JobGrpc;

#[tonic::async_trait]
impl JobService for JobGrpc {
    async fn run_now(&self, _: Request<v1::RunNowRequest>) -> Result<Response<v1::RunNowResponse>, Status> {
        Err(not_served("JobService.RunNow"))
    }

    async fn test_data_source(
        &self,
        _: Request<v1::TestDataSourceRequest>,
    ) -> Result<Response<v1::TestDataSourceResponse>, Status> {
        Err(not_served("JobService.TestDataSource"))
    }
}
