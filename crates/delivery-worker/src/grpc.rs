//! What the worker serves to the other services.

use std::sync::Arc;

use ig_proto::v1::delivery_service_server::DeliveryService;
use ig_proto::v1::{DeliverRequest, DeliverResponse, NudgeRequest, NudgeResponse};
use tonic::{Request, Response, Status};

use crate::reader::SourceState;

/// The delivery service.
pub(crate) struct Delivery {
    sources: Vec<Arc<SourceState>>,
}

impl Delivery {
    /// Serves nudges for these sources.
    pub(crate) fn new(sources: Vec<Arc<SourceState>>) -> Self {
        Self { sources }
    }
}

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn deliver(&self, _: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        Err(ig_proto::not_served("DeliveryService.Deliver"))
    }

    async fn nudge(&self, request: Request<NudgeRequest>) -> Result<Response<NudgeResponse>, Status> {
        let source = request.into_inner().source;
        for state in self.sources.iter().filter(|state| state.source.id().as_str() == source) {
            state.nudge.notify_one();
        }
        Ok(Response::new(NudgeResponse {}))
    }
}
