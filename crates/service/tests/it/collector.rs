//! A small OTLP collector, which is also the service that the gRPC tests call.

use std::net::SocketAddr;

use ig_service::{Context, Fate, grpc::Services};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};

/// What arrived, metadata and all.
pub(crate) type Arrived = UnboundedReceiver<Request<ExportTraceServiceRequest>>;

/// Notes what arrives, and answers when its gate is open.
#[derive(Debug)]
pub(crate) struct Collector {
    arrived: UnboundedSender<Request<ExportTraceServiceRequest>>,
    gate: CancellationToken,
}

fn open() -> CancellationToken {
    let gate = CancellationToken::new();
    gate.cancel();
    gate
}

impl Collector {
    fn make(gate: CancellationToken) -> (TraceServiceServer<Self>, Arrived) {
        let (arrived, receiver) = unbounded_channel();
        (TraceServiceServer::new(Self { arrived, gate }), receiver)
    }

    /// As services to be served with our plumbing.
    pub(crate) fn services() -> (Services, Arrived) {
        let (server, arrived) = Self::make(open());
        (Services::new(Routes::new(server)), arrived)
    }

    /// As services that answer nothing before `gate` is cancelled.
    pub(crate) fn behind(gate: &CancellationToken) -> (Services, Arrived) {
        let (server, arrived) = Self::make(gate.clone());
        (Services::new(Routes::new(server)), arrived)
    }

    /// As a collector of another make would be: no plumbing of ours, so that collecting is not traced itself.
    pub(crate) async fn stand_alone(context: &Context) -> (SocketAddr, Arrived) {
        let (server, arrived) = Self::make(open());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let serving = Server::builder()
            .add_service(server)
            .serve_with_incoming(TcpIncoming::from(listener));
        context.spawn("collector", Fate::Finishes, async move { serving.await.expect("served") });
        (address, arrived)
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        // A test that has seen enough no longer listens.
        let _ = self.arrived.send(request);
        self.gate.cancelled().await;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
