//! Wires the worker together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::access::Actor;
use ig_core::clock::{Clock, SystemClock};
use ig_core::id::SourceId;
use ig_core::lease::WorkerId;
use ig_core::ports::Journal;
use ig_delivery::{CircuitBreakers, Deliverer};
use ig_proto::v1::delivery_service_server::DeliveryServiceServer;
use ig_service::grpc::{Fleet, Services, channel};
use ig_service::{Context, TaskKind};
use ig_sources::SourceDependencies;
use ig_store::{SecretSealer, Store};
use ig_transform::LookupCache;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::config::Config;
use crate::decision_lookup::DecisionLookup;
use crate::decision_queues::DecisionQueues;
use crate::delivery_commands::{CommandTasks, DeliveryCommands};
use crate::delivery_guards::{DeliveryGuards, RateLimits};
use crate::dispatcher::Dispatcher;
use crate::executor::DeliveryExecutor;
use crate::followed_configuration::WorkerConfiguration;
use crate::gauges;
use crate::grpc::DeliveryGrpc;
use crate::intake::Intake;
use crate::lane_worker::LaneWorker;
use crate::lanes::{BatchRunner, Lanes, MemoryBudget};
use crate::live_configuration::LiveConfiguration;
use crate::notifications::{Notifications, NotifyingJournal};
use crate::partition_manager::{PartitionManager, PartitionManagerDependencies};
use crate::planner::Planner;
use crate::push_cleanup::PushCleanup;
use crate::reader::{GapWatcher, Ingester, Reader, SourceState};
use crate::recorder::{RecordWriter, recorder};
use crate::retention::Retention;
use crate::source_monitor::SourceMonitor;
use crate::transformation::{self, TransformComponents};
use ig_peers::{AlertClient, ConfigFollower};

/// How long shutdown waits for deliveries in progress; the process's grace is a little longer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(500);
/// A loop without a heartbeat for this long has stalled.
const STALLED: Duration = Duration::from_mins(1);

/// Starts the worker; returns the address of its gRPC server.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let worker = Worker::assemble(&config, &context).await?;
    let delivery = DeliveryGrpc::new(Arc::clone(&worker.commands), worker.sources.clone(), Arc::clone(&worker.live));
    let delivery = DeliveryServiceServer::new(delivery).max_decoding_message_size(ig_proto::MAX_COMMAND_BYTES);
    let services = Services::new(Routes::new(delivery));
    let address = context
        .serve_grpc(&config.grpc, services.descriptors(ig_proto::FILE_DESCRIPTOR_SET))
        .await?;
    worker.start(&config, &context)?;
    Ok(address)
}

/// The worker's components.
struct Worker {
    store: Store,
    live: Arc<LiveConfiguration>,
    lookups: Arc<LookupCache>,
    commands: Arc<CommandTasks>,
    sources: Vec<Arc<SourceState>>,
    lanes: Arc<Lanes>,
    budget: Arc<MemoryBudget>,
    dispatcher: Arc<Dispatcher>,
    decision_queues: Arc<DecisionQueues>,
    manager: Arc<PartitionManager>,
    writers: [RecordWriter; 2],
    notifications: Arc<Notifications>,
    alerting: AlertClient,
    clock: Arc<dyn Clock>,
}

impl Worker {
    async fn assemble(config: &Config, context: &Context) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let live = Arc::new(LiveConfiguration::default());
        let store = connect(config).await?;
        let notifications = Arc::new(Notifications::default());
        let journal = NotifyingJournal::new(Arc::new(store.journal()), Arc::clone(&notifications));
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let (recorder, writers) = recorder(&journal, config.worker.max_unrecorded);
        let retention = Retention::new(Arc::clone(&live), config.worker.retention_days);
        let intake = Arc::new(Intake::new(Arc::clone(&live), &config.worker));
        let deliverer = Deliverer::new(&config.security).context("section security")?;
        let alerter = channel(&config.services.alerter, &config.grpc).context("services.alerter")?;
        let alerting = AlertClient::new(alerter, store.alerts(), context.clone());
        let TransformComponents {
            transformer,
            lookups,
            schemas,
        } = transformation::start(config, context, &store, alerting.clone())?;
        let worker = worker_id();
        let guards = delivery_guards(&store, &worker, &clock);
        let executor = DeliveryExecutor::new(deliverer, transformer.clone(), guards, retention.clone(), Arc::clone(&clock));
        let commands = DeliveryCommands::new(
            Arc::clone(&executor),
            Arc::clone(&live),
            store.delivery_logs(),
            store.dead_letters(),
            recorder.clone(),
            context.stopping().clone(),
        );
        let planner = Planner {
            executor: Arc::clone(&executor),
            transformer,
            configuration: Arc::clone(&live),
            retention: retention.clone(),
            clock: Arc::clone(&clock),
        };
        let lane_worker = LaneWorker::new(executor, planner, Arc::clone(&live), recorder.clone());
        let runner = BatchRunner::new(Arc::clone(&journal), lane_worker);
        let budget = MemoryBudget::new(config.worker.payload_memory());
        let lanes = Lanes::new(
            Arc::clone(&budget),
            context.tasks().clone(),
            runner,
            context.stopping().clone(),
        );
        let dispatcher = Arc::new(Dispatcher::new(
            intake,
            Arc::clone(&live),
            config.worker.dedup_capacity,
            Arc::clone(&lanes),
            recorder.clone(),
            retention,
            Arc::clone(&clock),
        ));
        let decision_queues = DecisionQueues::new(
            Arc::clone(&dispatcher),
            schemas,
            Arc::clone(&budget),
            context.tasks().clone(),
            context.stopping().clone(),
        );
        let pushed = store.pushed_events();
        let registered = ig_sources::open(&config.sources, SourceDependencies { pushed }).context("section sources")?;
        let max_in_flight = config.worker.max_events_in_flight;
        let sources: Vec<_> = registered
            .into_iter()
            .map(|source| SourceState::new(source, max_in_flight))
            .collect();
        let manager = PartitionManager::new(PartitionManagerDependencies {
            worker,
            leases: Arc::new(store.partition_leases()),
            journal,
            sources: sources.clone(),
            dispatcher: Arc::clone(&dispatcher),
            recorder,
            clock: Arc::clone(&clock),
            ttl: config.worker.lease(),
        });
        Ok(Self {
            store,
            live,
            lookups,
            commands: Arc::new(CommandTasks::new(commands, context.clone())),
            sources,
            lanes,
            budget,
            dispatcher,
            decision_queues,
            manager,
            writers,
            notifications,
            alerting,
            clock,
        })
    }

    fn start(self, config: &Config, context: &Context) -> anyhow::Result<()> {
        self.depend_on_database(context);
        self.follow_configuration(config, context)?;
        self.notify_other_services(config, context)?;
        self.read_sources(context);
        self.clean_up_pushed_events(context);
        let journal_done = CancellationToken::new();
        for (name, writer) in ["journal of deliveries", "journal of decisions"]
            .into_iter()
            .zip(self.writers)
        {
            context.spawn(name, TaskKind::RunsUntilShutdown, writer.run(journal_done.clone()));
        }
        manage_partitions(&self.manager, (Arc::clone(&self.lanes), self.commands), journal_done, context);
        let stop = context.stopping().clone();
        context.spawn(
            "gauges",
            TaskKind::RunsUntilShutdown,
            gauges::run(self.sources, self.lanes, self.budget, stop),
        );
        Ok(())
    }

    fn notify_other_services(&self, config: &Config, context: &Context) -> anyhow::Result<()> {
        let schedulers = Fleet::new(&config.services.scheduler, &config.grpc).context("services.scheduler")?;
        let notifying = Arc::clone(&self.notifications).notify_schedulers(schedulers, context.stopping().clone());
        context.spawn("announcing what is planned", TaskKind::RunsUntilShutdown, notifying);
        let retriers = Fleet::new(&config.services.dlq_retrier, &config.grpc).context("services.dlq_retrier")?;
        let notifying = Arc::clone(&self.notifications).notify_retriers(retriers, context.stopping().clone());
        context.spawn("announcing dead letters", TaskKind::RunsUntilShutdown, notifying);
        Ok(())
    }

    fn clean_up_pushed_events(&self, context: &Context) {
        let cleanup = PushCleanup {
            manager: Arc::clone(&self.manager),
            leases: Arc::new(self.store.partition_leases()),
            queue: self.store.pushed_events(),
            source: SourceId::new(ig_sources::push::NAME),
            clock: Arc::clone(&self.clock),
        };
        let stop = context.stopping().clone();
        context.spawn("forgetting pushed events", TaskKind::RunsUntilShutdown, cleanup.run(stop));
    }

    fn depend_on_database(&self, context: &Context) {
        let store = self.store.clone();
        context.depend_on("mongodb", move || {
            let store = store.clone();
            async move { store.ping().await }
        });
    }

    fn follow_configuration(&self, config: &Config, context: &Context) -> anyhow::Result<()> {
        let gateway = channel(&config.services.api_gateway, &config.grpc).context("services.api_gateway")?;
        let followed = WorkerConfiguration {
            live: Arc::clone(&self.live),
            lookups: Arc::clone(&self.lookups),
        };
        let follower = ConfigFollower::new(gateway, followed);
        let waiting = context.readiness().hold("no configuration yet");
        let stop = context.stopping().clone();
        context.spawn("configuration", TaskKind::RunsUntilShutdown, async move {
            follower.run(stop, || waiting.release()).await;
        });
        Ok(())
    }

    /// Reading begins once a configuration is in force: without one, no event would have a tenant.
    fn read_sources(&self, context: &Context) {
        for state in &self.sources {
            let decision_lookup = DecisionLookup::new(Arc::new(self.store.journal()));
            let ingester = Ingester::new(
                Arc::clone(state),
                Arc::clone(&self.decision_queues),
                decision_lookup,
                Arc::clone(&self.clock),
            );
            let reader = Reader::new(ingester.clone());
            let gap_watcher = GapWatcher::new(ingester).run(context.stopping().clone());
            let monitor = SourceMonitor {
                state: Arc::clone(state),
                dispatcher: Arc::clone(&self.dispatcher),
                alerting: self.alerting.clone(),
                clock: Arc::clone(&self.clock),
            };
            let monitor = monitor.run(context.stopping().clone());
            context.spawn(format!("head of {}", state.source.id()), TaskKind::RunsUntilShutdown, monitor);
            context.spawn(
                format!("gaps of {}", state.source.id()),
                TaskKind::RunsUntilShutdown,
                gap_watcher,
            );
            let (live, stop) = (Arc::clone(&self.live), context.stopping().clone());
            let waiting = context
                .readiness()
                .hold(format!("{} has no position to begin at yet", state.source.id()));
            let manager = Arc::clone(&self.manager);
            let starting = manager.start_source(Arc::clone(state), stop.clone(), move || waiting.release());
            context.spawn(
                format!("beginning of {}", state.source.id()),
                TaskKind::RunsUntilShutdown,
                starting,
            );
            let beat = context.liveness().watch(format!("reader of {}", state.source.id()), STALLED);
            context.spawn(
                format!("reader of {}", state.source.id()),
                TaskKind::RunsUntilShutdown,
                async move {
                    live.wait_until_in_force(&stop, || beat.beat()).await;
                    reader.run(stop, || beat.beat()).await;
                },
            );
        }
    }
}

fn delivery_guards(store: &Store, worker: &WorkerId, clock: &Arc<dyn Clock>) -> Arc<DeliveryGuards> {
    let switches = store.configuration().on_behalf_of(&Actor::system("delivery-worker"));
    let breakers = CircuitBreakers::new(
        Arc::new(store.breakers()),
        Arc::new(switches),
        worker.0.clone(),
        Arc::clone(clock),
    );
    let rate_limits = RateLimits::new(Arc::new(store.rate_windows()), Arc::clone(clock));
    DeliveryGuards::new(breakers, rate_limits)
}

async fn connect(config: &Config) -> anyhow::Result<Store> {
    let secrets = SecretSealer::new(&config.secrets).context("section secrets")?;
    Store::connect(&config.mongodb, secrets).await.context("section mongodb")
}

/// Runs the partition manager and saves checkpoints; on shutdown drains lanes and commands, releases all partitions and then lets the
/// journal end.
fn manage_partitions(
    manager: &Arc<PartitionManager>,
    (lanes, commands): (Arc<Lanes>, Arc<CommandTasks>),
    journal_done: CancellationToken,
    context: &Context,
) {
    let stop = context.stopping().clone();
    let saving = Arc::clone(manager).save_checkpoints(CHECKPOINT_INTERVAL, stop.clone());
    context.spawn("checkpoints", TaskKind::RunsUntilShutdown, saving);
    let beat = context.liveness().watch("partitions", STALLED);
    let manager = Arc::clone(manager);
    context.spawn("partitions", TaskKind::RunsUntilShutdown, async move {
        Arc::clone(&manager).run(stop, || beat.beat()).await;
        manager.drain(|| lanes.is_empty() && commands.is_empty(), DRAIN_TIMEOUT).await;
        journal_done.cancel();
    });
}

/// Each run of a worker has its own id: the host and a random number.
fn worker_id() -> WorkerId {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "worker".to_owned());
    WorkerId(format!("{host}-{:016x}", rand::random::<u64>()))
}
