#![doc = include_str!("../README.md")]

mod access;
mod analytics;
mod body;
mod bootstrap;
mod client_info;
mod config;
mod dashboard;
mod document;
mod error;
mod exporting;
mod feed;
mod gateway;
mod grpc;
mod http;
mod if_match;
mod job_client;
mod job_runs;
mod limits;
mod nudge;
mod org_purge;
mod path;
mod peer_services;
mod preview;
mod proxying;
mod pushing;
mod query;
mod resource_response;
mod resources;
mod response_extras;
mod response_layer;
mod retrier_client;
mod scheduler_client;
mod scheduling;
mod server;
mod tenant_shares;
mod transforming;
mod worker_client;

use std::net::SocketAddr;
use std::sync::Arc;

use ig_delivery::EgressGuard;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::config_service_server::ConfigServiceServer;
use ig_service::grpc::{Fleet, Services, channel};
use ig_service::{Context, Process, TaskKind};
use ig_store::{SecretSealer, Store};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::{AuthConfig, BootstrapConfig, Config, HttpConfig, OrganizationsConfig, RateLimitConfig, RuntimeConfig};

use access::{ApiKeys, Sessions};
use feed::ConfigFeed;
use gateway::{AppParts, AppState};
use grpc::ConfigGrpc;
use ig_peers::AlertClient;
use job_client::JobClient;
use limits::RateLimits;
use nudge::Nudge;
use peer_services::PeerServices;
use proxying::{Proxying, Recording};
use resources::lookups;
use resources::lookups::importing::ImportSlots;
use retrier_client::RetrierClient;
use scheduler_client::SchedulerClient;
use worker_client::WorkerClient;

/// The name and version of this process.
pub const PROCESS: Process = Process {
    name: "api-gateway",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// The addresses of a running gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The HTTP edge.
    pub http: SocketAddr,
    /// The configuration feed.
    pub grpc: SocketAddr,
}

/// Starts the service, which is ready once the database is prepared and the configuration is loaded.
pub async fn run(config: Config, context: Context) -> anyhow::Result<Addresses> {
    // Secrets serialise as masks.
    let system_configuration = serde_json::to_value(&config)?;
    let store = Store::connect(&config.mongodb, SecretSealer::new(&config.secrets)?).await?;
    let alerter = channel(&config.services.alerter, &config.grpc)?;
    let alerting = AlertClient::new(alerter, store.alerts(), context.clone());
    let feed = ConfigFeed::new(store.clone(), alerting.clone());
    let nudge = Nudge::default();
    nudge.run_workers(&context, Fleet::new(&config.services.delivery_worker, &config.grpc)?, PUSH);
    depend_on_database(&context, store.clone());
    bootstrap::start(&context, store.clone(), config.bootstrap);
    context.spawn(
        "configuration feed",
        TaskKind::RunsUntilShutdown,
        Arc::clone(&feed).run(context.clone()),
    );
    context.spawn(
        "lookup sweep",
        TaskKind::RunsUntilShutdown,
        lookups::sweep(context.clone(), store.clone()),
    );
    context.spawn(
        "delivery tallies",
        TaskKind::RunsUntilShutdown,
        dashboard::tally(context.clone(), store.clone(), Arc::clone(&feed)),
    );
    context.spawn(
        "organisation removal",
        TaskKind::RunsUntilShutdown,
        org_purge::run(context.clone(), store.clone(), config.organizations.number_hold()),
    );
    let services = Services::new(Routes::new(ConfigServiceServer::new(ConfigGrpc::new(
        Arc::clone(&feed),
        context.clone(),
        config.grpc.tls.files().is_some(),
    ))));
    let grpc = context
        .serve_grpc(&config.grpc, services.descriptors(FILE_DESCRIPTOR_SET))
        .await?;
    let (egress, http) = (EgressGuard::new(&config.security)?, config.http.clone());
    let (transformer, schemas) = transforming::start(&config.scripts, &context, &store, &feed, alerting)?;
    let served = CancellationToken::new();
    let dead_letters = Nudge::default();
    dead_letters.run_retriers(&context, Fleet::new(&config.services.dlq_retrier, &config.grpc)?);
    let recording = Recording::start(&config.runtime, &context, &store, dead_letters, served.clone());
    let proxying = Proxying::start(&config.runtime, &config.security, &context, &store, recording)?;
    let workers = WorkerClient::new(channel(&config.services.delivery_worker, &config.grpc)?);
    let retrier = RetrierClient::new(channel(&config.services.dlq_retrier, &config.grpc)?);
    let schedulers = SchedulerClient::new(channel(&config.services.scheduler, &config.grpc)?);
    let jobs = JobClient::new(channel(&config.services.job_runner, &config.grpc)?);
    let peers = PeerServices::new(&config.services, &config.grpc)?;
    let app = AppState::new(AppParts {
        keys: ApiKeys::new(store.clone()),
        sessions: Sessions::new(store.clone(), &config.auth),
        limits: RateLimits::new(store.rate_windows(), &config.rate_limit),
        system_configuration,
        store,
        feed,
        egress,
        nudge,
        transformer,
        proxying,
        workers,
        retrier,
        schedulers,
        jobs,
        peers,
        http: config.http,
        context: context.clone(),
        schemas,
        import_slots: ImportSlots::new(&http),
    });
    let http = server::serve(&context, &http, http::router(app), served).await?;
    Ok(Addresses { http, grpc })
}

/// The source that pushed events are read from.
const PUSH: &str = "push";

/// Probes the database, so that requests get their answer or a prompt refusal while it is unavailable.
fn depend_on_database(context: &Context, store: Store) {
    context.depend_on("mongodb", move || {
        let store = store.clone();
        async move { store.probe().await }
    });
}
