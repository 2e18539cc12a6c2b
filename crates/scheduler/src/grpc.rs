//! The contract as far as this version serves it.

use ig_proto::not_served;
use ig_proto::v1;
use ig_proto::v1::scheduler_service_server::SchedulerService;
use tonic::{Request, Response, Status};

/// Answers every rpc with the word that it is not served yet.
#[derive(Debug)]
pub(crate) struct SchedulerGrpc;

#[tonic::async_trait]
impl SchedulerService for SchedulerGrpc {
    async fn cancel(&self, _: Request<v1::CancelRequest>) -> Result<Response<v1::CancelResponse>, Status> {
        Err(not_served("SchedulerService.Cancel"))
    }

    async fn reschedule(&self, _: Request<v1::RescheduleRequest>) -> Result<Response<v1::RescheduleResponse>, Status> {
        Err(not_served("SchedulerService.Reschedule"))
    }

    async fn preview(&self, _: Request<v1::PreviewRequest>) -> Result<Response<v1::PreviewResponse>, Status> {
        Err(not_served("SchedulerService.Preview"))
    }

    async fn nudge(&self, _: Request<v1::SchedulerNudgeRequest>) -> Result<Response<v1::SchedulerNudgeResponse>, Status> {
        Err(not_served("SchedulerService.Nudge"))
    }
}
