#![doc = include_str!("../README.md")]

mod backlog;
mod claim_renewal;
mod config;
mod dispatcher;
mod grpc;
mod metrics;
mod poller;
mod settlement_writer;
mod wake_signal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::clock::{Clock, SystemClock};
use ig_core::ports::StoreError;
use ig_peers::WorkerClient;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::scheduler_service_server::SchedulerServiceServer;
use ig_service::grpc::{Services, channel};
use ig_service::{Context, Process, TaskKind};
use ig_store::{SecretSealer, Store};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::{Config, SchedulerConfig};

use backlog::Backlog;
use dispatcher::{Dispatcher, WorkerAvailability};
use grpc::SchedulerGrpc;
use poller::Poller;
use settlement_writer::{ClaimOutcome, SettlementWriter};
use wake_signal::WakeSignal;

/// The identity of this process.
pub const PROCESS: Process = Process {
    name: "scheduler",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// The poller counts as stalled after this long without a turn.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest order: every attempt with the longest timeout, and the pauses between.
const ORDER_TIMEOUT: Duration = Duration::from_mins(30);

/// Starts the service and returns its gRPC address.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    run_with_clock(config, context, Arc::new(SystemClock)).await
}

/// Starts the service with the caller's clock.
pub async fn run_with_clock(config: Config, context: Context, clock: Arc<dyn Clock>) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretSealer::closed())
        .await
        .context("section mongodb")?;
    let wake = WakeSignal::default();
    let (outcome_sender, outcomes) = mpsc::unbounded_channel();
    let dispatcher = Arc::new(dispatcher(&config, &store, &wake, &clock, outcome_sender)?);
    let service = SchedulerGrpc::new(store.scheduled_deliveries(), wake, clock);
    let services = Services::new(Routes::new(SchedulerServiceServer::new(service)));
    let address = context
        .serve_grpc(&config.grpc, services.descriptors(FILE_DESCRIPTOR_SET))
        .await?;
    context.depend_on("mongodb", move || ping(store.clone()));
    start(dispatcher, outcomes, &config, &context);
    Ok(address)
}

fn dispatcher(
    config: &Config,
    store: &Store,
    wake: &WakeSignal,
    clock: &Arc<dyn Clock>,
    outcome_sender: mpsc::UnboundedSender<ClaimOutcome>,
) -> anyhow::Result<Dispatcher> {
    let channel = channel(&config.services.delivery_worker, &config.grpc).context("services.delivery_worker")?;
    let scheduler = &config.scheduler;
    let backlog = Backlog::new(scheduler.max_concurrency, scheduler.payload_memory());
    Ok(Dispatcher {
        store: store.scheduled_deliveries(),
        integrations: store.integrations(),
        worker: WorkerClient::new(channel, ORDER_TIMEOUT),
        backlog: Arc::new(Mutex::new(backlog)),
        wake: wake.clone(),
        clock: Arc::clone(clock),
        claim_id: format!("{:032x}", rand::random::<u128>()),
        lease: scheduler.lease(),
        max_overdue: scheduler.max_overdue(),
        outcomes: outcome_sender,
        availability: Mutex::new(WorkerAvailability::default()),
    })
}

/// Spawns the loops. On a shutdown, claims are renewed and outcomes written until the last delivery in flight has ended.
fn start(dispatcher: Arc<Dispatcher>, outcomes: mpsc::UnboundedReceiver<ClaimOutcome>, config: &Config, context: &Context) {
    let settled = CancellationToken::new();
    let writer = SettlementWriter {
        store: dispatcher.store.clone(),
        integrations: dispatcher.integrations.clone(),
        max_overdue: dispatcher.max_overdue,
        backlog: Arc::clone(&dispatcher.backlog),
        wake: dispatcher.wake.clone(),
        clock: Arc::clone(&dispatcher.clock),
        claim_id: dispatcher.claim_id.clone(),
    };
    let beat = context.liveness().watch("looking for what is due", STALL_TIMEOUT);
    let poller = Poller::new(Arc::clone(&dispatcher), context.tasks().clone(), config.scheduler.poll());
    let stop = context.stopping().clone();
    context.spawn("looking for what is due", TaskKind::RunsUntilShutdown, async move {
        poller.run(stop, || beat.beat()).await;
    });
    let renewal = claim_renewal::run(Arc::downgrade(&dispatcher), config.scheduler.lease() / 3, settled.clone());
    context.spawn("prolonging claims", TaskKind::RunsUntilShutdown, renewal);
    drop(dispatcher);
    context.spawn("settling deliveries", TaskKind::RunsUntilShutdown, async move {
        writer.run(outcomes).await;
        settled.cancel();
    });
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
