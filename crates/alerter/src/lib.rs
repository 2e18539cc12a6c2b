#![doc = include_str!("../README.md")]

mod alerting;
pub mod channel;
mod channel_run;
mod channel_sender;
mod config;
mod dispatcher;
mod grpc;
pub mod message;
mod notifier;
mod planner;
mod wording;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use ig_core::clock::SystemClock;
use ig_core::ports::StoreError;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::alert_service_server::AlertServiceServer;
use ig_service::grpc::Services;
use ig_service::{Context, Process};
use ig_store::{SecretSealer, Store};
use tonic::service::Routes;

pub use alerting::{Alerting, AlertingSettings};
use channel::{Exits, Mailer};
pub use channel_sender::{ChannelSender, OutsideChannels, compile};
pub use config::Config;
use grpc::AlertGrpc;

/// The identity of this process.
pub const PROCESS: Process = Process {
    name: "alerter",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// Starts the service and returns its gRPC address.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, sealer(&config)?)
        .await
        .context("section mongodb")?;
    let clock = Arc::new(SystemClock);
    let mailer = Mailer::new(&config.smtp).context("section smtp")?;
    let exits = Exits::new(&config.security, mailer, clock.clone()).context("section security")?;
    let sender = Arc::new(OutsideChannels::new(exits));
    let alerting = Alerting::new(&store, config.alerts.settings(), sender, clock);
    alerting.spawn(&context);
    let alerts = AlertGrpc::new(alerting);
    context.depend_on("mongodb", move || ping(store.clone()));
    let services = Services::new(Routes::new(AlertServiceServer::new(alerts))).descriptors(FILE_DESCRIPTOR_SET);
    Ok(context.serve_grpc(&config.grpc, services).await?)
}

/// Without keys, the process takes alerts but opens no channel that has a secret.
fn sealer(config: &Config) -> anyhow::Result<SecretSealer> {
    if config.secrets.keys.is_empty() {
        return Ok(SecretSealer::closed());
    }
    SecretSealer::new(&config.secrets).context("section secrets")
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
