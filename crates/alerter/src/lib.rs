#![doc = include_str!("../README.md")]

pub mod channel;
mod config;
mod grpc;
pub mod message;
mod notifier;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use ig_core::clock::SystemClock;
use ig_core::ports::StoreError;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::alert_service_server::AlertServiceServer;
use ig_service::grpc::Services;
use ig_service::{Context, Process, TaskKind};
use ig_store::{SecretSealer, Store};
use tonic::service::Routes;

pub use config::Config;
use grpc::AlertGrpc;
use notifier::Notifier;

/// The identity of this process.
pub const PROCESS: Process = Process {
    name: "alerter",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// Starts the service and returns its gRPC address.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretSealer::closed())
        .await
        .context("section mongodb")?;
    let notifier = Notifier::new(store.alerts(), config.alerts.times(), Arc::new(SystemClock));
    let owed_alerts = notifier.clone().run(context.stopping().clone());
    context.spawn("alerts that are owed", TaskKind::RunsUntilShutdown, owed_alerts);
    let alerts = AlertGrpc::new(notifier);
    context.depend_on("mongodb", move || ping(store.clone()));
    let services = Services::new(Routes::new(AlertServiceServer::new(alerts))).descriptors(FILE_DESCRIPTOR_SET);
    Ok(context.serve_grpc(&config.grpc, services).await?)
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
