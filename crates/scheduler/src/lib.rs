#![doc = include_str!("../README.md")]

mod backlog;
mod config;
mod delivering;
mod grpc;
mod looking;
mod metrics;
mod renewing;
mod settling;
mod wake;
mod workers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::clock::{Clock, SystemClock};
use ig_core::ports::StoreError;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::scheduler_service_server::SchedulerServiceServer;
use ig_service::grpc::{Services, channel};
use ig_service::{Context, Process, TaskKind};
use ig_store::{SecretBox, Store};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::{Config, SchedulerConfig};

use backlog::Backlog;
use delivering::{Deliveries, Reach};
use grpc::SchedulerGrpc;
use looking::Looking;
use settling::{Ended, Settler};
use wake::Wake;
use workers::Workers;

/// What this process is called.
pub const PROCESS: Process = Process {
    name: "scheduler",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};

/// A loop that has not come round for so long has stalled.
const STALLED: Duration = Duration::from_mins(1);

/// Starts the service; answers where it serves gRPC.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    run_by(config, context, Arc::new(SystemClock)).await
}

/// Starts the service by a clock of the caller's.
pub async fn run_by(config: Config, context: Context, clock: Arc<dyn Clock>) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretBox::closed())
        .await
        .context("section mongodb")?;
    let wake = Wake::default();
    let (ended, queue) = mpsc::unbounded_channel();
    let deliveries = Arc::new(deliveries(&config, &store, &wake, &clock, ended)?);
    let serving = SchedulerGrpc::new(store.scheduled_deliveries(), wake, clock);
    let services = Services::new(Routes::new(SchedulerServiceServer::new(serving)));
    let address = context
        .serve_grpc(&config.grpc, services.descriptors(FILE_DESCRIPTOR_SET))
        .await?;
    context.depend_on("mongodb", move || ping(store.clone()));
    start(deliveries, queue, &config, &context);
    Ok(address)
}

fn deliveries(
    config: &Config,
    store: &Store,
    wake: &Wake,
    clock: &Arc<dyn Clock>,
    ended: mpsc::UnboundedSender<Ended>,
) -> anyhow::Result<Deliveries> {
    let workers = channel(&config.services.delivery_worker, &config.grpc).context("services.delivery_worker")?;
    let scheduler = &config.scheduler;
    let backlog = Backlog::new(scheduler.max_concurrency, scheduler.payload_memory());
    Ok(Deliveries {
        store: store.scheduled_deliveries(),
        integrations: store.integrations(),
        workers: Workers::new(workers),
        backlog: Arc::new(Mutex::new(backlog)),
        wake: wake.clone(),
        clock: Arc::clone(clock),
        claim_id: format!("{:032x}", rand::random::<u128>()),
        lease: scheduler.lease(),
        max_overdue: scheduler.max_overdue(),
        ended,
        reach: Mutex::new(Reach::default()),
    })
}

/// What is under way when the service stops is finished: claims are prolonged and ends are written down until the last one is.
fn start(deliveries: Arc<Deliveries>, queue: mpsc::UnboundedReceiver<Ended>, config: &Config, context: &Context) {
    let over = CancellationToken::new();
    let settler = Settler {
        store: deliveries.store.clone(),
        integrations: deliveries.integrations.clone(),
        max_overdue: deliveries.max_overdue,
        backlog: Arc::clone(&deliveries.backlog),
        wake: deliveries.wake.clone(),
        clock: Arc::clone(&deliveries.clock),
        claim_id: deliveries.claim_id.clone(),
    };
    let beat = context.liveness().watch("looking for what is due", STALLED);
    let looking = Looking::new(Arc::clone(&deliveries), context.tasks().clone(), config.scheduler.poll());
    let stop = context.stopping().clone();
    context.spawn("looking for what is due", TaskKind::RunsUntilShutdown, async move {
        looking.run(stop, || beat.beat()).await;
    });
    let renewing = renewing::run(Arc::downgrade(&deliveries), config.scheduler.lease() / 3, over.clone());
    context.spawn("prolonging claims", TaskKind::RunsUntilShutdown, renewing);
    drop(deliveries);
    context.spawn("settling deliveries", TaskKind::RunsUntilShutdown, async move {
        settler.run(queue).await;
        over.cancel();
    });
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
