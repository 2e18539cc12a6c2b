//! Puts the worker together.

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
use ig_service::{Context, Fate};
use ig_sources::Ports;
use ig_store::{SecretBox, Store};
use ig_transform::LookupCache;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::alerting::Alerting;
use crate::compiled::LiveConfiguration;
use crate::config::Config;
use crate::config_follower::Follower;
use crate::decision_lookup::Recall;
use crate::decision_queues::Judging;
use crate::dispatcher::Dispatch;
use crate::executor::Maker;
use crate::gate::{Gate, Limits};
use crate::gauges;
use crate::grpc::Delivery;
use crate::intake::Intake;
use crate::lane_worker::Courier;
use crate::lanes::{Budget, Lanes, Turns};
use crate::notifications::{Announcements, AnnouncingJournal};
use crate::orders::{OrderTasks, Orders};
use crate::partitions::{Keeper, KeeperParts};
use crate::planner::Planner;
use crate::push_cleanup::Forgetting;
use crate::reader::{HoleWatch, Reader, SourceState, Uptake};
use crate::recorder::{Writer, recorder};
use crate::retention::Retention;
use crate::source_monitor::SourceWatch;
use crate::transformation::{self, Transforming};

/// What deliveries under way may take when the worker is told to stop; the process's grace is a little longer.
const FAREWELL: Duration = Duration::from_secs(25);
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(500);
/// A loop that has not come round for so long has stalled.
const STALLED: Duration = Duration::from_mins(1);

/// Starts the worker; answers where it serves gRPC.
pub async fn run(config: Config, context: Context) -> anyhow::Result<SocketAddr> {
    let worker = Worker::assemble(&config, &context).await?;
    let delivery = Delivery::new(Arc::clone(&worker.orders), worker.sources.clone(), Arc::clone(&worker.live));
    let delivery = DeliveryServiceServer::new(delivery).max_decoding_message_size(ig_proto::LARGEST_ORDER);
    let services = Services::new(Routes::new(delivery));
    let address = context
        .serve_grpc(&config.grpc, services.descriptors(ig_proto::FILE_DESCRIPTOR_SET))
        .await?;
    worker.start(&config, &context)?;
    Ok(address)
}

/// The worker's parts.
struct Worker {
    store: Store,
    live: Arc<LiveConfiguration>,
    lookups: Arc<LookupCache>,
    orders: Arc<OrderTasks>,
    sources: Vec<Arc<SourceState>>,
    lanes: Arc<Lanes>,
    budget: Arc<Budget>,
    dispatch: Arc<Dispatch>,
    judging: Arc<Judging>,
    keeper: Arc<Keeper>,
    writers: [Writer; 2],
    announcements: Arc<Announcements>,
    alerting: Alerting,
    clock: Arc<dyn Clock>,
}

impl Worker {
    async fn assemble(config: &Config, context: &Context) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let live = Arc::new(LiveConfiguration::default());
        let store = connect(config).await?;
        let announcements = Arc::new(Announcements::default());
        let journal = AnnouncingJournal::new(Arc::new(store.journal()), Arc::clone(&announcements));
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let (recorder, writers) = recorder(&journal, config.worker.max_unrecorded);
        let retention = Retention::new(Arc::clone(&live), config.worker.retention_days);
        let intake = Arc::new(Intake::new(Arc::clone(&live), &config.worker));
        let deliverer = Deliverer::new(&config.security).context("section security")?;
        let alerter = channel(&config.services.alerter, &config.grpc).context("services.alerter")?;
        let alerting = Alerting::new(alerter, store.alerts(), context.clone());
        let Transforming {
            transformer,
            lookups,
            schemas,
        } = transformation::start(config, context, &store, alerting.clone())?;
        let worker = worker_id();
        let gate = gate(&store, &worker, &clock);
        let maker = Maker::new(deliverer, transformer.clone(), gate, retention.clone(), Arc::clone(&clock));
        let orders = Orders::new(
            Arc::clone(&maker),
            Arc::clone(&live),
            store.delivery_logs(),
            store.dead_letters(),
            recorder.clone(),
            context.stopping().clone(),
        );
        let planner = Planner {
            maker: Arc::clone(&maker),
            transformer,
            configuration: Arc::clone(&live),
            retention: retention.clone(),
            clock: Arc::clone(&clock),
        };
        let courier = Courier::new(maker, planner, Arc::clone(&live), recorder.clone());
        let turns = Turns::new(Arc::clone(&journal), courier);
        let budget = Budget::new(config.worker.payload_memory());
        let lanes = Lanes::new(
            Arc::clone(&budget),
            context.tasks().clone(),
            turns,
            context.stopping().clone(),
        );
        let dispatch = Arc::new(Dispatch::new(
            intake,
            Arc::clone(&live),
            config.worker.dedup_capacity,
            Arc::clone(&lanes),
            recorder.clone(),
            retention,
            Arc::clone(&clock),
        ));
        let judging = Judging::new(
            Arc::clone(&dispatch),
            schemas,
            Arc::clone(&budget),
            context.tasks().clone(),
            context.stopping().clone(),
        );
        let pushed = store.pushed_events();
        let registered = ig_sources::open(&config.sources, Ports { pushed }).context("section sources")?;
        let most = config.worker.max_events_in_flight;
        let sources: Vec<_> = registered.into_iter().map(|source| SourceState::new(source, most)).collect();
        let keeper = Keeper::new(KeeperParts {
            worker,
            leases: Arc::new(store.partition_leases()),
            journal,
            sources: sources.clone(),
            dispatch: Arc::clone(&dispatch),
            recorder,
            clock: Arc::clone(&clock),
            ttl: config.worker.lease(),
        });
        Ok(Self {
            store,
            live,
            lookups,
            orders: Arc::new(OrderTasks::new(orders, context.clone())),
            sources,
            lanes,
            budget,
            dispatch,
            judging,
            keeper,
            writers,
            announcements,
            alerting,
            clock,
        })
    }

    fn start(self, config: &Config, context: &Context) -> anyhow::Result<()> {
        self.depend_on_database(context);
        self.follow_configuration(config, context)?;
        self.announce(config, context)?;
        self.read_sources(context);
        self.forget_pushed_events(context);
        let written = CancellationToken::new();
        for (name, writer) in ["journal of deliveries", "journal of decisions"]
            .into_iter()
            .zip(self.writers)
        {
            context.spawn(name, Fate::RunsUntilShutdown, writer.run(written.clone()));
        }
        keep_partitions(&self.keeper, (Arc::clone(&self.lanes), self.orders), written, context);
        let stop = context.stopping().clone();
        context.spawn(
            "gauges",
            Fate::RunsUntilShutdown,
            gauges::run(self.sources, self.lanes, self.budget, stop),
        );
        Ok(())
    }

    fn announce(&self, config: &Config, context: &Context) -> anyhow::Result<()> {
        let schedulers = Fleet::new(&config.services.scheduler, &config.grpc).context("services.scheduler")?;
        let announcing = Arc::clone(&self.announcements).run(schedulers, context.stopping().clone());
        context.spawn("announcing what is planned", Fate::RunsUntilShutdown, announcing);
        let retriers = Fleet::new(&config.services.dlq_retrier, &config.grpc).context("services.dlq_retrier")?;
        let announcing = Arc::clone(&self.announcements).run_dead_letters(retriers, context.stopping().clone());
        context.spawn("announcing dead letters", Fate::RunsUntilShutdown, announcing);
        Ok(())
    }

    fn forget_pushed_events(&self, context: &Context) {
        let forgetting = Forgetting {
            keeper: Arc::clone(&self.keeper),
            leases: Arc::new(self.store.partition_leases()),
            queue: self.store.pushed_events(),
            source: SourceId::new(ig_sources::push::NAME),
            clock: Arc::clone(&self.clock),
        };
        let stop = context.stopping().clone();
        context.spawn("forgetting pushed events", Fate::RunsUntilShutdown, forgetting.run(stop));
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
        let follower = Follower::new(gateway, Arc::clone(&self.live), Arc::clone(&self.lookups));
        let waiting = context.readiness().hold("no configuration yet");
        let stop = context.stopping().clone();
        context.spawn("configuration", Fate::RunsUntilShutdown, async move {
            follower.run(stop, || waiting.release()).await;
        });
        Ok(())
    }

    /// Reading begins once a configuration is in force: without one every event would be nobody's.
    fn read_sources(&self, context: &Context) {
        for state in &self.sources {
            let recall = Recall::new(Arc::new(self.store.journal()));
            let uptake = Uptake::new(Arc::clone(state), Arc::clone(&self.judging), recall, Arc::clone(&self.clock));
            let reader = Reader::new(uptake.clone());
            let watch = HoleWatch::new(uptake).run(context.stopping().clone());
            let head = SourceWatch {
                state: Arc::clone(state),
                dispatch: Arc::clone(&self.dispatch),
                alerting: self.alerting.clone(),
                clock: Arc::clone(&self.clock),
            };
            let head = head.run(context.stopping().clone());
            context.spawn(format!("head of {}", state.source.id()), Fate::RunsUntilShutdown, head);
            context.spawn(format!("gaps of {}", state.source.id()), Fate::RunsUntilShutdown, watch);
            let (live, stop) = (Arc::clone(&self.live), context.stopping().clone());
            let waiting = context
                .readiness()
                .hold(format!("{} has no position to begin at yet", state.source.id()));
            let keeper = Arc::clone(&self.keeper);
            let beginning = keeper.begin_source(Arc::clone(state), stop.clone(), move || waiting.release());
            context.spawn(
                format!("beginning of {}", state.source.id()),
                Fate::RunsUntilShutdown,
                beginning,
            );
            let beat = context.liveness().watch(format!("reader of {}", state.source.id()), STALLED);
            context.spawn(
                format!("reader of {}", state.source.id()),
                Fate::RunsUntilShutdown,
                async move {
                    live.in_force(&stop, || beat.beat()).await;
                    reader.run(stop, || beat.beat()).await;
                },
            );
        }
    }
}

fn gate(store: &Store, worker: &WorkerId, clock: &Arc<dyn Clock>) -> Arc<Gate> {
    let switches = store.configuration().on_behalf_of(&Actor::system("delivery-worker"));
    let breakers = CircuitBreakers::new(
        Arc::new(store.breakers()),
        Arc::new(switches),
        worker.0.clone(),
        Arc::clone(clock),
    );
    let limits = Limits::new(Arc::new(store.rate_windows()), Arc::clone(clock));
    Gate::new(breakers, limits)
}

async fn connect(config: &Config) -> anyhow::Result<Store> {
    let secrets = SecretBox::new(&config.secrets).context("section secrets")?;
    Store::connect(&config.mongodb, secrets).await.context("section mongodb")
}

/// Claims and renews, saves checkpoints, and in the end waits for lanes and orders, gives everything back and lets the journal end.
fn keep_partitions(
    keeper: &Arc<Keeper>,
    (lanes, orders): (Arc<Lanes>, Arc<OrderTasks>),
    written: CancellationToken,
    context: &Context,
) {
    let stop = context.stopping().clone();
    let saving = Arc::clone(keeper).save_checkpoints(CHECKPOINT_INTERVAL, stop.clone());
    context.spawn("checkpoints", Fate::RunsUntilShutdown, saving);
    let beat = context.liveness().watch("partitions", STALLED);
    let keeper = Arc::clone(keeper);
    context.spawn("partitions", Fate::RunsUntilShutdown, async move {
        Arc::clone(&keeper).run(stop, || beat.beat()).await;
        keeper.farewell(|| lanes.is_empty() && orders.is_empty(), FAREWELL).await;
        written.cancel();
    });
}

/// A worker's life has a name of its own: the host and a random number.
fn worker_id() -> WorkerId {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "worker".to_owned());
    WorkerId(format!("{host}-{:016x}", rand::random::<u64>()))
}
