//! A worker and an alerter in the hand of a test.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ig_proto::v1::alert_service_server::{AlertService, AlertServiceServer};
use ig_proto::v1::delivery_service_server::{DeliveryService, DeliveryServiceServer};
use ig_proto::v1::{DeliverRequest, DeliverResponse, NudgeRequest, NudgeResponse, Outcome, RaiseRequest, RaiseResponse};
use ig_service::config::GrpcConfig;
use ig_service::grpc::Services;
use ig_service::{Context, Stop};
use parking_lot::Mutex;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

type Say = dyn Fn(&DeliverRequest) -> Option<Result<DeliverResponse, Status>> + Send + Sync;

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A worker that answers as it is told and notes what it is ordered; what it is told nothing about hangs until it is.
#[derive(Clone)]
pub(crate) struct FakeWorker {
    say: Arc<Mutex<Arc<Say>>>,
    orders: Arc<Mutex<Vec<DeliverRequest>>>,
}

impl FakeWorker {
    /// A worker that answers every order so.
    pub(crate) fn always(outcome: Outcome) -> Self {
        Self::with(move |order| Some(Ok(answer(order, outcome))))
    }

    /// A worker that answers each order by itself.
    pub(crate) fn with(say: impl Fn(&DeliverRequest) -> Option<Result<DeliverResponse, Status>> + Send + Sync + 'static) -> Self {
        Self {
            say: Arc::new(Mutex::new(Arc::new(say))),
            orders: Arc::default(),
        }
    }

    /// From now on it answers as another would.
    pub(crate) fn become_like(&self, other: &Self) {
        *self.say.lock() = Arc::clone(&other.say.lock());
    }

    /// What it was ordered so far.
    pub(crate) fn orders(&self) -> Vec<DeliverRequest> {
        self.orders.lock().clone()
    }

    /// Serves on an address; port 0 takes a free one.
    pub(crate) async fn serve(&self, listen: &str) -> (SocketAddr, Context) {
        serve(Routes::new(DeliveryServiceServer::new(self.clone())), listen).await
    }
}

/// What a worker says of an order that ended so.
pub(crate) fn answer(order: &DeliverRequest, outcome: Outcome) -> DeliverResponse {
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

/// The tests' logs are named by the number of their event.
fn log_id(order: &DeliverRequest) -> String {
    format!("{:024x}", order.event_id.parse::<u64>().unwrap_or_default())
}

#[tonic::async_trait]
impl DeliveryService for FakeWorker {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        let order = request.into_inner();
        self.orders.lock().push(order.clone());
        loop {
            let say = Arc::clone(&self.say.lock());
            if let Some(answer) = say(&order) {
                return answer.map(Response::new);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn nudge(&self, _: Request<NudgeRequest>) -> Result<Response<NudgeResponse>, Status> {
        Ok(Response::new(NudgeResponse {}))
    }
}

/// An alerter that notes what is raised, by key.
#[derive(Clone, Default)]
pub(crate) struct FakeAlerter(Arc<Mutex<HashMap<String, Vec<RaiseRequest>>>>);

impl FakeAlerter {
    /// What was raised about something.
    pub(crate) fn raised(&self, key: &str) -> Vec<RaiseRequest> {
        self.0.lock().get(key).cloned().unwrap_or_default()
    }

    /// Serves on an address; port 0 takes a free one.
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
