//! Assembles the service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::clock::{Clock, SystemClock};
use ig_core::ports::StoreError;
use ig_proto::FILE_DESCRIPTOR_SET;
use ig_proto::v1::dlq_service_server::DlqServiceServer;
use ig_service::grpc::{Services, channel};
use ig_service::{Context, TaskKind};
use ig_store::{SecretSealer, Store};
use tonic::service::Routes;

use crate::alert_loop::AlertLoop;
use crate::config::Config;
use crate::grpc::DlqGrpc;
use crate::nudge::Nudge;
use crate::policy_cache::PolicyCache;
use crate::redrive_loop::RedriveLoop;
use crate::retry_executor::RetryExecutor;
use crate::retry_loop::RetryLoop;
use crate::retry_sender::RetrySender;

/// A loop counts as stalled after this long without a turn, beyond its interval.
const STALL_TIMEOUT: Duration = Duration::from_mins(5);

/// One nudge per loop.
#[derive(Debug, Clone, Default)]
struct Nudges {
    retries: Nudge,
    redrives: Nudge,
    alerts: Nudge,
}

/// Starts the service and returns its gRPC address.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretSealer::closed())
        .await
        .context("section mongodb")?;
    let (nudges, clock): (_, Arc<dyn Clock>) = (Nudges::default(), Arc::new(SystemClock));
    context.depend_on("mongodb", {
        let store = store.clone();
        move || ping(store.clone())
    });
    let dlq = DlqGrpc {
        letters: store.dead_letters(),
        redrives: store.redrives(),
        retry_nudge: nudges.retries.clone(),
        redrive_nudge: nudges.redrives.clone(),
        clock: Arc::clone(&clock),
    };
    let services = Services::new(Routes::new(DlqServiceServer::new(dlq))).descriptors(FILE_DESCRIPTOR_SET);
    let address = context.serve_grpc(&config.grpc, services).await?;
    let executor = Arc::new(executor(&config, &store, &nudges, clock)?);
    start_alerts(&config, &context, &store, &nudges)?;
    start_retries(&config, &context, Arc::clone(&executor), &nudges);
    start_redrives(&context, &store, executor, nudges);
    Ok(address)
}

fn executor(config: &Config, store: &Store, nudges: &Nudges, clock: Arc<dyn Clock>) -> anyhow::Result<RetryExecutor> {
    let channel = channel(&config.services.delivery_worker, &config.grpc).context("services.delivery_worker")?;
    Ok(RetryExecutor {
        letters: store.dead_letters(),
        integrations: store.integrations(),
        inbound: store.inbound_integrations(),
        jobs: store.jobs(),
        sender: RetrySender::new(channel),
        policies: PolicyCache::new(store.organizations(), config.dlq.policy().context("section dlq")?),
        alerts: nudges.alerts.clone(),
        clock,
    })
}

fn start_alerts(config: &Config, context: &Context, store: &Store, nudges: &Nudges) -> anyhow::Result<()> {
    let alerter = channel(&config.services.alerter, &config.grpc).context("services.alerter")?;
    let alert_loop = AlertLoop::new(store.dead_letters(), alerter, nudges.alerts.clone());
    let stop = context.stopping().clone();
    context.spawn(
        "alerts of what was given up",
        TaskKind::RunsUntilShutdown,
        alert_loop.run(stop),
    );
    Ok(())
}

fn start_retries(config: &Config, context: &Context, executor: Arc<RetryExecutor>, nudges: &Nudges) {
    let interval = config.dlq.poll_interval();
    let retry_loop = RetryLoop::new(executor, nudges.retries.clone(), interval, context.clone());
    let beat = context.liveness().watch("retries", interval + STALL_TIMEOUT);
    context.spawn("retries", TaskKind::RunsUntilShutdown, retry_loop.run(move || beat.beat()));
}

fn start_redrives(context: &Context, store: &Store, executor: Arc<RetryExecutor>, nudges: Nudges) {
    let redrive_loop = RedriveLoop::new(store.redrives(), executor, nudges.redrives, context.clone());
    let beat = context.liveness().watch("redrives", STALL_TIMEOUT);
    context.spawn("redrives", TaskKind::RunsUntilShutdown, redrive_loop.run(move || beat.beat()));
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
