//! A delivery-worker that notes its orders and answers as it is told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ig_core::id::LogId;
use ig_core::order::{DeliveryOrder, OrderOutcome, OrderReport};
use ig_core::outcome::ErrorCategory;
use ig_proto::v1::delivery_service_server::{DeliveryService, DeliveryServiceServer};
use ig_proto::v1::{DeliverRequest, DeliverResponse, NudgeRequest, NudgeResponse};
use ig_service::config::GrpcConfig;
use ig_service::grpc::Services;
use ig_service::{Context, Stop};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// How an order is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The target took it; the integration has a further action after a pause.
    Delivered(Option<Duration>),
    /// The target did not take it.
    Failed,
    /// Nobody knows the integration.
    Unknown,
    /// Not now.
    Away,
    /// Never.
    Hang,
    /// The target took it, which is told once this is notified.
    Told(Arc<Notify>),
}

/// What is shared with the server.
#[derive(Debug, Default)]
pub(crate) struct Script {
    orders: Mutex<Vec<DeliveryOrder>>,
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    always: Mutex<Option<Answer>>,
}

/// A running worker.
pub(crate) struct FakeWorker {
    pub(crate) script: Arc<Script>,
    pub(crate) address: SocketAddr,
    context: Context,
}

impl FakeWorker {
    /// Starts a worker on a free port.
    pub(crate) async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts a worker on a port.
    pub(crate) async fn start_on(port: u16) -> Self {
        let script = Arc::new(Script::default());
        let context = Context::new("delivery-worker", &Stop::new());
        let mut config = GrpcConfig::on_port(0);
        config.listen.set_port(port);
        let routes = Routes::new(DeliveryServiceServer::new(Serving(Arc::clone(&script))));
        let address = context.serve_grpc(&config, Services::new(routes)).await.unwrap();
        Self {
            script,
            address,
            context,
        }
    }

    /// Takes the worker away.
    pub(crate) async fn stop(self) {
        let _ = self.context.drain(Duration::from_secs(2)).await;
    }
}

impl Script {
    /// Answers orders about an event with these, one each; then as always.
    pub(crate) fn answer(&self, event: u64, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().entry(event.to_string()).or_default().extend(answers);
    }

    /// Answers all others so.
    pub(crate) fn always(&self, answer: Answer) {
        *self.always.lock() = Some(answer);
    }

    /// What was ordered so far.
    pub(crate) fn orders(&self) -> Vec<DeliveryOrder> {
        self.orders.lock().clone()
    }

    fn next(&self, order: &DeliveryOrder) -> Answer {
        let mut answers = self.answers.lock();
        let scripted = answers.get_mut(order.event_id.as_str()).and_then(VecDeque::pop_front);
        let always = || self.always.lock().clone();
        scripted.or_else(always).unwrap_or(Answer::Delivered(None))
    }
}

struct Serving(Arc<Script>);

#[tonic::async_trait]
impl DeliveryService for Serving {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        let order = DeliveryOrder::try_from(request.into_inner())?;
        let answer = self.0.next(&order);
        self.0.orders.lock().push(order);
        let (outcome, error, next) = match answer {
            Answer::Delivered(next) => (OrderOutcome::Delivered, None, next),
            Answer::Failed => {
                let error = (ErrorCategory::ServerError, "it answered 500".to_owned());
                (OrderOutcome::Retryable, Some(error), None)
            }
            Answer::Unknown => return Err(Status::not_found("the organisation has no such integration")),
            Answer::Away => return Err(Status::unavailable("the worker takes no orders now")),
            Answer::Hang => std::future::pending().await,
            Answer::Told(when) => {
                when.notified().await;
                (OrderOutcome::Delivered, None, None)
            }
        };
        let report = OrderReport {
            outcome,
            error,
            response_status: None,
            retry_after: None,
            log_id: LogId([0; 12]),
        };
        Ok(Response::new(DeliverResponse::from(&report).before_next_action(next)))
    }

    async fn nudge(&self, _: Request<NudgeRequest>) -> Result<Response<NudgeResponse>, Status> {
        Ok(Response::new(NudgeResponse {}))
    }
}
