#![doc = include_str!("../README.md")]

mod config;
mod grpc;
mod telling;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use ig_core::clock::SystemClock;
use ig_core::ports::StoreError;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::alert_service_server::AlertServiceServer;
use ig_service::grpc::Services;
use ig_service::{Context, Process, TaskKind};
use ig_store::{SecretBox, Store};
use tonic::service::Routes;

pub use config::Config;
use grpc::AlertGrpc;
use telling::Telling;

/// What this process is called.
pub const PROCESS: Process = Process {
    name: "alerter",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// Starts the service; answers where it serves gRPC.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretBox::closed())
        .await
        .context("section mongodb")?;
    let telling = Telling::new(store.alerts(), config.alerts.times(), Arc::new(SystemClock));
    let settling = telling.clone().run(context.stopping().clone());
    context.spawn("alerts that are owed", TaskKind::RunsUntilShutdown, settling);
    let alerts = AlertGrpc::new(telling);
    context.depend_on("mongodb", move || ping(store.clone()));
    let services = Services::new(Routes::new(AlertServiceServer::new(alerts))).descriptors(FILE_DESCRIPTOR_SET);
    Ok(context.serve_grpc(&config.grpc, services).await?)
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
