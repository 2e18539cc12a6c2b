//! A minimal OTLP collector, also used as the service that gRPC tests call.

use std::net::SocketAddr;

use ig_service::{Context, TaskKind, grpc::Services};
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

/// The received requests with their metadata.
pub(crate) type Arrived = UnboundedReceiver<Request<ExportTraceServiceRequest>>;

/// Records requests, and answers once its gate is open.
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

    /// The collector as a service on our own server.
    pub(crate) fn services() -> (Services, Arrived) {
        let (server, arrived) = Self::make(open());
        (Services::new(Routes::new(server)), arrived)
    }

    /// The collector as a service that answers once `gate` is cancelled.
    pub(crate) fn behind(gate: &CancellationToken) -> (Services, Arrived) {
        let (server, arrived) = Self::make(gate.clone());
        (Services::new(Routes::new(server)), arrived)
    }

    /// The collector on a plain tonic server, so that exporting is not traced itself.
    pub(crate) async fn stand_alone(context: &Context) -> (SocketAddr, Arrived) {
        let (server, arrived) = Self::make(open());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let serving = Server::builder()
            .add_service(server)
            .serve_with_incoming(TcpIncoming::from(listener));
        context.spawn("collector", TaskKind::OneShot, async move { serving.await.expect("served") });
        (address, arrived)
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        // The test may have dropped the receiver.
        let _ = self.arrived.send(request);
        self.gate.cancelled().await;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
