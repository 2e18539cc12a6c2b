//! A scripted worker and a recording alerter.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ig_proto::v1::alert_service_server::{AlertService, AlertServiceServer};
use ig_proto::v1::delivery_service_server::{DeliveryService, DeliveryServiceServer};
use ig_proto::v1::{
    DeliverRequest, DeliverResponse, NudgeRequest, NudgeResponse, Outcome, RaiseRequest, RaiseResponse, ResolveRequest,
    ResolveResponse,
};
use ig_service::config::GrpcConfig;
use ig_service::grpc::Services;
use ig_service::{Context, Stop};
use parking_lot::Mutex;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

type ReplyFn = dyn Fn(&DeliverRequest) -> Option<Result<DeliverResponse, Status>> + Send + Sync;

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A worker that replies by a function and records its orders; an order without a reply hangs until there is one.
#[derive(Clone)]
pub(crate) struct FakeWorker {
    reply: Arc<Mutex<Arc<ReplyFn>>>,
    orders: Arc<Mutex<Vec<DeliverRequest>>>,
}

impl FakeWorker {
    /// A worker with the same outcome for every order.
    pub(crate) fn always(outcome: Outcome) -> Self {
        Self::with(move |order| Some(Ok(response(order, outcome))))
    }

    /// A worker that replies with `reply`.
    pub(crate) fn with(
        reply: impl Fn(&DeliverRequest) -> Option<Result<DeliverResponse, Status>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            reply: Arc::new(Mutex::new(Arc::new(reply))),
            orders: Arc::default(),
        }
    }

    /// Replies like another worker from now on.
    pub(crate) fn reply_like(&self, other: &Self) {
        *self.reply.lock() = Arc::clone(&other.reply.lock());
    }

    /// The orders so far.
    pub(crate) fn orders(&self) -> Vec<DeliverRequest> {
        self.orders.lock().clone()
    }

    /// Serves on an address; port 0 picks a free one.
    pub(crate) async fn serve(&self, listen: &str) -> (SocketAddr, Context) {
        serve(Routes::new(DeliveryServiceServer::new(self.clone())), listen).await
    }
}

/// The worker's response for an outcome.
pub(crate) fn response(order: &DeliverRequest, outcome: Outcome) -> DeliverResponse {
    let failed = matches!(outcome, Outcome::Retryable | Outcome::Refused);
    let category = if outcome == Outcome::Retryable {
        "SERVER_ERROR"
    } else {
        "CLIENT_ERROR"
    };
    DeliverResponse {
        outcome: outcome.into(),
        error_category: if failed { category.to_owned() } else { String::new() },
        error_message: if failed {
            "It did not take it.".to_owned()
        } else {
            String::new()
        },
        response_status: None,
        retry_after: None,
        delivery_log_id: log_id(order),
        next_action_after: None,
    }
}

/// A log's id is the number of its event.
fn log_id(order: &DeliverRequest) -> String {
    format!("{:024x}", order.event_id.parse::<u64>().unwrap_or_default())
}

#[tonic::async_trait]
impl DeliveryService for FakeWorker {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        let order = request.into_inner();
        self.orders.lock().push(order.clone());
        loop {
            let reply = Arc::clone(&self.reply.lock());
            if let Some(response) = reply(&order) {
                return response.map(Response::new);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn nudge(&self, _: Request<NudgeRequest>) -> Result<Response<NudgeResponse>, Status> {
        Ok(Response::new(NudgeResponse {}))
    }
}

/// An alerter that records alerts by key.
#[derive(Clone, Default)]
pub(crate) struct FakeAlerter(Arc<Mutex<HashMap<String, Vec<RaiseRequest>>>>);

impl FakeAlerter {
    /// The alerts with a key.
    pub(crate) fn raised(&self, key: &str) -> Vec<RaiseRequest> {
        self.0.lock().get(key).cloned().unwrap_or_default()
    }

    /// Serves on an address; port 0 picks a free one.
    pub(crate) async fn serve(&self, listen: &str) -> (SocketAddr, Context) {
        serve(Routes::new(AlertServiceServer::new(self.clone())), listen).await
    }
}

#[tonic::async_trait]
impl AlertService for FakeAlerter {
    async fn raise(&self, request: Request<RaiseRequest>) -> Result<Response<RaiseResponse>, Status> {
        let alert = request.into_inner();
        self.0.lock().entry(alert.key.clone()).or_default().push(alert);
        Ok(Response::new(RaiseResponse { told: true }))
    }

    async fn resolve(&self, _: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        Ok(Response::new(ResolveResponse { resolved: true }))
    }
}

async fn serve(routes: Routes, listen: &str) -> (SocketAddr, Context) {
    let context = Context::new("fake", &Stop::new());
    let config = GrpcConfig {
        listen: listen.parse().unwrap(),
        ..GrpcConfig::default()
    };
    let address = context.serve_grpc(&config, Services::new(routes)).await.unwrap();
    (address, context)
}
