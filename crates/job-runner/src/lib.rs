#![doc = include_str!("../README.md")]

mod config;
mod grpc;

use std::net::SocketAddr;

use anyhow::Context as _;
use ig_core::ports::StoreError;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::job_service_server::JobServiceServer;
use ig_service::grpc::Services;
use ig_service::{Context, Process};
use ig_store::{SecretSealer, Store};
use tonic::service::Routes;

pub use config::Config;
use grpc::JobGrpc;

/// The identity of this process.
pub const PROCESS: Process = Process {
    name: "job-runner",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// Starts the service and returns its gRPC address.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretSealer::closed())
        .await
        .context("section mongodb")?;
    context.depend_on("mongodb", move || ping(store.clone()));
    let services = Services::new(Routes::new(JobServiceServer::new(JobGrpc))).descriptors(FILE_DESCRIPTOR_SET);
    Ok(context.serve_grpc(&config.grpc, services).await?)
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
