//! A gRPC server behind credentials, with health and reflection.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{
    GrpcError,
    credentials::{self, CallerAuth},
    deadline, in_flight, span,
};
use crate::{config::GrpcConfig, context::Context, tasks::TaskKind};

/// Interval of keepalive pings, which notice a peer that vanished without closing.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// The routes of a server, and their descriptors for reflection.
#[derive(Debug, Clone, Default)]
pub struct Services {
    routes: Routes,
    descriptors: Vec<&'static [u8]>,
}

impl Services {
    /// A server of `routes`.
    pub fn new(routes: Routes) -> Self {
        Self {
            routes,
            descriptors: Vec::new(),
        }
    }

    /// Adds an encoded file descriptor set to reflection.
    #[must_use]
    pub fn descriptors(mut self, encoded: &'static [u8]) -> Self {
        self.descriptors.push(encoded);
        self
    }

    fn with_reflection(self) -> Result<Routes, GrpcError> {
        let mut builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        for encoded in self.descriptors {
            builder = builder.register_encoded_file_descriptor_set(encoded);
        }
        Ok(self.routes.add_service(builder.build_v1()?))
    }
}

pub(crate) async fn serve(context: &Context, config: &GrpcConfig, services: Services) -> Result<SocketAddr, GrpcError> {
    let auth = CallerAuth::of(config)?;
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_INTERVAL));
    if let Some(tls) = credentials::server_tls(config)? {
        server = server.tls_config(tls).map_err(GrpcError::Tls)?;
    }
    let router = router(context, auth, services)?;
    let (incoming, address) = bind(config.listen).await?;
    let closing = context.servers().stopping().clone();
    let name = context.name();
    context.servers().spawn("grpc", TaskKind::RunsUntilShutdown, async move {
        let serving = server.serve_with_incoming_shutdown(Routes::from(router), incoming, closing.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(service = name, %error, "gRPC server failed");
        }
    });
    Ok(address)
}

fn router(context: &Context, auth: CallerAuth, services: Services) -> Result<Router, GrpcError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let routes = services.with_reflection()?.into_axum_router();
    let guarded = routes.layer(middleware::from_fn_with_state(auth, credentials::authenticate));
    // Health checks bypass authentication: probes have no credentials.
    let all = Routes::from(guarded).add_service(health).into_axum_router();
    context.servers().spawn(
        "grpc-health",
        TaskKind::RunsUntilShutdown,
        report_readiness(context.clone(), reporter),
    );
    let calls = context.calls().clone();
    Ok(all
        .layer(middleware::from_fn(deadline::enforce))
        .layer(middleware::from_fn(span::measure))
        .layer(middleware::from_fn_with_state(calls, in_flight::track)))
}

async fn bind(address: SocketAddr) -> Result<(TcpIncoming, SocketAddr), GrpcError> {
    let error = |source| GrpcError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    Ok((TcpIncoming::from(listener).with_nodelay(Some(true)), bound))
}

/// Mirrors readiness into the health service until the servers stop.
async fn report_readiness(context: Context, reporter: HealthReporter) {
    let closing = context.servers().stopping().clone();
    let report = async {
        loop {
            let ready = context.readiness().is_ready();
            let status = if ready {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            reporter.set_service_status("", status).await;
            context.readiness().wait(!ready).await;
        }
    };
    closing.run_until_cancelled(report).await;
}
