//! The gRPC service, not implemented yet.

use ig_proto::not_served;
use ig_proto::v1;
use ig_proto::v1::job_service_server::JobService;
use tonic::{Request, Response, Status};

/// Implements `JobService`: every rpc answers UNIMPLEMENTED.
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
