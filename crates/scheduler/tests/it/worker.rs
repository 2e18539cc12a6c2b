//! A delivery-worker that records its orders and replies by a script.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ig_core::delivery_command::{CommandOutcome, CommandReport, DeliveryCommand};
use ig_core::id::LogId;
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

/// How the worker replies to an order.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// The target accepted the delivery; the integration may have a further action after a pause.
    Delivered(Option<Duration>),
    /// The target rejected the delivery.
    Failed,
    /// The worker does not know the integration.
    Unknown,
    /// The worker takes no orders now.
    Unavailable,
    /// The worker never replies.
    Hang,
    /// The target accepted the delivery; the worker replies once notified.
    DeliveredOnNotify(Arc<Notify>),
}

/// The script and the record, shared with the server.
#[derive(Debug, Default)]
pub(crate) struct Script {
    orders: Mutex<Vec<DeliveryCommand>>,
    replies: Mutex<HashMap<String, VecDeque<Reply>>>,
    always: Mutex<Option<Reply>>,
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
        let routes = Routes::new(DeliveryServiceServer::new(Service(Arc::clone(&script))));
        let address = context.serve_grpc(&config, Services::new(routes)).await.unwrap();
        Self {
            script,
            address,
            context,
        }
    }

    /// Stops the worker.
    pub(crate) async fn stop(self) {
        let _ = self.context.drain(Duration::from_secs(2)).await;
    }
}

impl Script {
    /// Replies to the orders of an event with these, one each; then with the default.
    pub(crate) fn reply(&self, event: u64, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().entry(event.to_string()).or_default().extend(replies);
    }

    /// Sets the default reply.
    pub(crate) fn always(&self, reply: Reply) {
        *self.always.lock() = Some(reply);
    }

    /// The orders so far.
    pub(crate) fn orders(&self) -> Vec<DeliveryCommand> {
        self.orders.lock().clone()
    }

    fn next(&self, order: &DeliveryCommand) -> Reply {
        let mut replies = self.replies.lock();
        let scripted = replies.get_mut(order.event_id.as_str()).and_then(VecDeque::pop_front);
        let always = || self.always.lock().clone();
        scripted.or_else(always).unwrap_or(Reply::Delivered(None))
    }
}

struct Service(Arc<Script>);

#[tonic::async_trait]
impl DeliveryService for Service {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        let order = DeliveryCommand::try_from(request.into_inner())?;
        let reply = self.0.next(&order);
        self.0.orders.lock().push(order);
        let (outcome, error, next) = match reply {
            Reply::Delivered(next) => (CommandOutcome::Delivered, None, next),
            Reply::Failed => {
                let error = (ErrorCategory::ServerError, "it answered 500".to_owned());
                (CommandOutcome::Retryable, Some(error), None)
            }
            Reply::Unknown => return Err(Status::not_found("the organisation has no such integration")),
            Reply::Unavailable => return Err(Status::unavailable("the worker takes no orders now")),
            Reply::Hang => std::future::pending().await,
            Reply::DeliveredOnNotify(when) => {
                when.notified().await;
                (CommandOutcome::Delivered, None, None)
            }
        };
        let report = CommandReport {
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
