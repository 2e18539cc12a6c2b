//! Puts the service together.

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
use ig_store::{SecretBox, Store};
use tonic::service::Routes;

use crate::alerting::Alerting;
use crate::config::Config;
use crate::grpc::DlqGrpc;
use crate::nudge::Nudge;
use crate::policies::Policies;
use crate::redriving::Redriving;
use crate::retries::Retries;
use crate::retrying::Retrying;
use crate::workers::Workers;

/// What one turn of a loop may take beyond its pause.
const STALLED: Duration = Duration::from_mins(5);

/// What wakes each of the loops.
#[derive(Debug, Clone, Default)]
struct Nudges {
    retrying: Nudge,
    redriving: Nudge,
    alerting: Nudge,
}

/// Starts the service; answers where it serves gRPC.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let store = Store::connect(&config.mongodb, SecretBox::closed())
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
        retrying: nudges.retrying.clone(),
        redriving: nudges.redriving.clone(),
        clock: Arc::clone(&clock),
    };
    let services = Services::new(Routes::new(DlqServiceServer::new(dlq))).descriptors(FILE_DESCRIPTOR_SET);
    let address = context.serve_grpc(&config.grpc, services).await?;
    let retries = Arc::new(retries(&config, &store, &nudges, clock)?);
    tell(&config, &context, &store, &nudges)?;
    retry(&config, &context, Arc::clone(&retries), &nudges);
    redrive(&context, &store, retries, nudges);
    Ok(address)
}

fn retries(config: &Config, store: &Store, nudges: &Nudges, clock: Arc<dyn Clock>) -> anyhow::Result<Retries> {
    let worker = channel(&config.services.delivery_worker, &config.grpc).context("services.delivery_worker")?;
    Ok(Retries {
        letters: store.dead_letters(),
        integrations: store.integrations(),
        inbound: store.inbound_integrations(),
        workers: Workers::new(worker),
        policies: Policies::new(store.organizations(), config.dlq.policy().context("section dlq")?),
        alerting: nudges.alerting.clone(),
        clock,
    })
}

fn tell(config: &Config, context: &Context, store: &Store, nudges: &Nudges) -> anyhow::Result<()> {
    let alerter = channel(&config.services.alerter, &config.grpc).context("services.alerter")?;
    let alerting = Alerting::new(store.dead_letters(), alerter, nudges.alerting.clone());
    let stop = context.stopping().clone();
    context.spawn("alerts of what was given up", TaskKind::RunsUntilShutdown, alerting.run(stop));
    Ok(())
}

fn retry(config: &Config, context: &Context, retries: Arc<Retries>, nudges: &Nudges) {
    let interval = config.dlq.poll_interval();
    let retrying = Retrying::new(retries, nudges.retrying.clone(), interval, context.clone());
    let beat = context.liveness().watch("retries", interval + STALLED);
    context.spawn("retries", TaskKind::RunsUntilShutdown, retrying.run(move || beat.beat()));
}

fn redrive(context: &Context, store: &Store, retries: Arc<Retries>, nudges: Nudges) {
    let redriving = Redriving::new(store.redrives(), retries, nudges.redriving, context.clone());
    let beat = context.liveness().watch("redrives", STALLED);
    context.spawn("redrives", TaskKind::RunsUntilShutdown, redriving.run(move || beat.beat()));
}

async fn ping(store: Store) -> Result<(), StoreError> {
    store.ping().await
}
