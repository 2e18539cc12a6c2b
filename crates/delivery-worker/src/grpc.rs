//! What the worker serves to the other services.

use std::sync::Arc;

use ig_core::error_kind::ErrorKind;
use ig_core::order::DeliveryOrder;
use ig_core::ports::StoreError;
use ig_proto::v1::delivery_service_server::DeliveryService;
use ig_proto::v1::{DeliverRequest, DeliverResponse, NudgeRequest, NudgeResponse};
use ig_proto::{InvalidMessage, status};
use tonic::{Request, Response, Status};

use crate::orders::{OrderError, Orders};
use crate::reader::SourceState;

/// The delivery service.
pub(crate) struct Delivery {
    orders: Arc<Orders>,
    sources: Vec<Arc<SourceState>>,
}

impl Delivery {
    /// Carries orders out, and takes nudges for these sources.
    pub(crate) fn new(orders: Arc<Orders>, sources: Vec<Arc<SourceState>>) -> Self {
        Self { orders, sources }
    }
}

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        let order: DeliveryOrder = request
            .into_inner()
            .try_into()
            .map_err(|error: InvalidMessage| Status::from(error))?;
        let report = self.orders.carry_out(order).await.map_err(|error| refusal(&error))?;
        Ok(Response::new((&report).into()))
    }

    async fn nudge(&self, request: Request<NudgeRequest>) -> Result<Response<NudgeResponse>, Status> {
        let source = request.into_inner().source;
        for state in self.sources.iter().filter(|state| state.source.id().as_str() == source) {
            state.nudge.notify_one();
        }
        Ok(Response::new(NudgeResponse {}))
    }
}

fn refusal(error: &OrderError) -> Status {
    let kind = match error {
        OrderError::NoSuchIntegration | OrderError::NoSuchAction(_) => ErrorKind::NotFound,
        OrderError::InvalidPayload(_) => ErrorKind::Invalid,
        OrderError::NotNow | OrderError::Store(StoreError::Unavailable(_)) => ErrorKind::Unavailable,
        OrderError::Store(StoreError::Refused(_)) => ErrorKind::Internal,
    };
    status(kind, error.to_string())
}
