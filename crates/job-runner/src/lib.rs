#![doc = include_str!("../README.md")]

mod config;
mod data_source;
mod grpc;
mod live_jobs;
mod metrics;
mod periodic;
mod poller;
mod run_executor;
mod run_slots;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::clock::{Clock, SystemClock};
use ig_core::ports::StoreError;
use ig_delivery::Deliverer;
use ig_peers::{AlertClient, ConfigFollower, WorkerClient};
use ig_proto::v1::job_service_server::JobServiceServer;
use ig_proto::{FILE_DESCRIPTOR_SET, MAX_COMMAND_BYTES};
use ig_service::grpc::{Services, channel};
use ig_service::{Context, Process, TaskKind};
use ig_sources::ExternalMongo;
use ig_store::{SecretSealer, Store};
use ig_transform::script::{ScriptEngine, ScriptPool, ScriptsConfig};
use ig_transform::{CacheLimits, LookupCache, Transformer};
use tonic::service::Routes;

pub use config::{Config, JobsConfig};
use data_source::DataSources;
use grpc::JobGrpc;
use live_jobs::LiveJobs;
use poller::Poller;
use run_executor::RunExecutor;
use run_slots::{Counts, RunSlots};

/// The identity of this process.
pub const PROCESS: Process = Process {
    name: "job-runner",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// The longest order: every attempt with the longest timeout, and the pauses between.
const ORDER_TIMEOUT: Duration = Duration::from_mins(30);
/// The script processes, unless the configuration says how many: a job runs one script.
const SCRIPT_WORKERS: u16 = 2;
/// The poller counts as stalled after this long without a turn.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts the service and returns its gRPC address.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    run_with_clock(config, context, Arc::new(SystemClock)).await
}

/// Starts the service with the caller's clock.
pub async fn run_with_clock(config: Config, context: Context, clock: Arc<dyn Clock>) -> anyhow::Result<SocketAddr> {
    let sealer = SecretSealer::new(&config.secrets).context("section secrets")?;
    let store = Store::connect(&config.mongodb, sealer).await.context("section mongodb")?;
    let live = LiveJobs::default();
    let executor = Arc::new(executor(&config, &context, &store, live.clone(), clock)?);
    let poller = Poller {
        executor,
        slots: RunSlots::new(Counts::Runs, config.jobs.max_runs, config.jobs.max_runs_per_org),
        tasks: context.tasks().clone(),
    };
    let service = JobServiceServer::new(JobGrpc::new(poller.clone(), store.job_logs()));
    let service = service.max_decoding_message_size(MAX_COMMAND_BYTES);
    let services = Services::new(Routes::new(service)).descriptors(FILE_DESCRIPTOR_SET);
    let address = context.serve_grpc(&config.grpc, services).await?;
    context.depend_on("mongodb", move || ping(store.clone()));
    follow_configuration(&config, &context, live)?;
    start(poller, &context);
    Ok(address)
}

fn executor(
    config: &Config,
    context: &Context,
    store: &Store,
    live: LiveJobs,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<RunExecutor> {
    let deliverer = Deliverer::new(&config.security).context("section security")?;
    let worker = channel(&config.services.delivery_worker, &config.grpc).context("services.delivery_worker")?;
    let alerter = channel(&config.services.alerter, &config.grpc).context("services.alerter")?;
    let scripts = ScriptsConfig {
        workers: config.scripts.workers.or(Some(SCRIPT_WORKERS)),
        ..config.scripts.clone()
    };
    let pool = ScriptPool::start(scripts.pool()).context("section scripts")?;
    let pool: Arc<dyn ScriptEngine> = Arc::new(pool);
    let lookups = Arc::new(LookupCache::new(Arc::new(store.lookups()), CacheLimits::default()));
    let sources = DataSources {
        connections: store.data_connections(),
        platform_data: store.job_data(),
        external_mongo: ExternalMongo::new(deliverer.tls()),
        deliverer,
        live: live.clone(),
        environment: config.jobs.environment(),
    };
    Ok(RunExecutor {
        states: store.job_states(),
        delivery_logs: store.delivery_logs(),
        live,
        sources: Arc::new(sources),
        transformer: Transformer::new(pool, lookups),
        worker: WorkerClient::new(worker, ORDER_TIMEOUT),
        alerts: AlertClient::new(alerter, store.alerts(), context.clone()),
        clock,
        config: config.jobs.clone(),
        stop: context.stopping().clone(),
    })
}

fn follow_configuration(config: &Config, context: &Context, live: LiveJobs) -> anyhow::Result<()> {
    let gateway = channel(&config.services.api_gateway, &config.grpc).context("services.api_gateway")?;
    let follower = ConfigFollower::new(gateway, live);
    let waiting = context.readiness().hold("no configuration yet");
    let stop = context.stopping().clone();
    context.spawn("configuration", TaskKind::RunsUntilShutdown, async move {
        follower.run(stop, || waiting.release()).await;
    });
    Ok(())
}

fn start(poller: Poller, context: &Context) {
    let beat = context.liveness().watch("looking for due jobs", STALL_TIMEOUT);
    let (looking, stop) = (poller.clone(), context.stopping().clone());
    context.spawn("looking for due jobs", TaskKind::RunsUntilShutdown, async move {
        looking.run(stop, || beat.beat()).await;
    });
    let stop = context.stopping().clone();
    context.spawn("periodic work", TaskKind::RunsUntilShutdown, periodic::run(poller, stop));
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
