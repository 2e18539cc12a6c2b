//! The contract as far as this version serves it.

use ig_proto::not_served;
use ig_proto::v1;
use ig_proto::v1::dlq_service_server::DlqService;
use tonic::{Request, Response, Status};

/// Answers every rpc with the word that it is not served yet.
#[derive(Debug)]
pub(crate) struct DlqGrpc;

#[tonic::async_trait]
impl DlqService for DlqGrpc {
    async fn retry(&self, _: Request<v1::RetryRequest>) -> Result<Response<v1::RetryResponse>, Status> {
        Err(not_served("DlqService.Retry"))
    }

    async fn start_redrive(&self, _: Request<v1::StartRedriveRequest>) -> Result<Response<v1::Redrive>, Status> {
        Err(not_served("DlqService.StartRedrive"))
    }

    async fn get_redrive(&self, _: Request<v1::GetRedriveRequest>) -> Result<Response<v1::Redrive>, Status> {
        Err(not_served("DlqService.GetRedrive"))
    }

    async fn cancel_redrive(&self, _: Request<v1::CancelRedriveRequest>) -> Result<Response<v1::Redrive>, Status> {
        Err(not_served("DlqService.CancelRedrive"))
    }

    async fn nudge(&self, _: Request<v1::DlqNudgeRequest>) -> Result<Response<v1::DlqNudgeResponse>, Status> {
        Err(not_served("DlqService.Nudge"))
    }
}
