//! A scheduler with a held clock and its own database.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ig_core::configuration::Change;
use ig_core::integration::Integration;
use ig_core::scheduled::{ScheduledDelivery, ScheduledStatus};
use ig_proto::v1::SchedulerNudgeRequest;
use ig_proto::v1::scheduler_service_client::SchedulerServiceClient;
use ig_scheduler::{Config, run_with_clock};
use ig_service::grpc::{Client, channel};
use ig_service::{Context, Stop};
use ig_store::{Configurations, Expected, MongoConfig, Page, ScheduledDeliveries, ScheduledFilter, SecretSealer, Store};
use ig_testkit::clock::{HeldClock, moment};
use ig_testkit::mongo::TestDatabase;
use ig_testkit::{builders, eventually};

use crate::rows::ORG;
use crate::worker::FakeWorker;

/// So long after the epoch of the tests that the server's own clock expires no ended row.
const FAR: Duration = Duration::from_hours(10 * 365 * 24);

/// The start of the held clock.
pub(crate) fn noon() -> ig_core::clock::Timestamp {
    moment(0) + FAR
}

/// A running scheduler.
pub(crate) struct RunningScheduler {
    pub(crate) config: Config,
    pub(crate) context: Context,
    pub(crate) address: SocketAddr,
}

/// The database, the clock and the worker of a test.
pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) clock: HeldClock,
    pub(crate) worker: FakeWorker,
    pub(crate) rows: ScheduledDeliveries,
    configuration: Configurations,
}

impl Fixture {
    /// A fixture with one organisation and one integration.
    pub(crate) async fn fresh() -> Self {
        let database = ig_testkit::mongo::database();
        let mongodb = MongoConfig {
            uri: database.uri.clone(),
            database: database.name.clone(),
            ..MongoConfig::default()
        };
        let store = Store::connect(&mongodb, SecretSealer::closed()).await.unwrap();
        store.migrate().await.unwrap();
        let configuration = store.configuration();
        let organization = Change::PutOrganization(builders::organization(ORG.0));
        configuration.commit(organization, Expected::New).await.unwrap();
        let integration = Integration {
            id: builders::integration_id(1),
            ..builders::integration(ORG.0, "visit", "https://a.example/hook")
        };
        let put = Change::PutIntegration(Arc::new(integration));
        configuration.commit(put, Expected::New).await.unwrap();
        Self {
            database,
            clock: HeldClock::at(noon()),
            worker: FakeWorker::start().await,
            rows: store.scheduled_deliveries(),
            configuration,
        }
    }

    /// A configuration for this fixture.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::default();
        config.mongodb.uri.clone_from(&self.database.uri);
        config.mongodb.database.clone_from(&self.database.name);
        config.grpc.listen.set_port(0);
        config.services.delivery_worker = self.worker.address.to_string();
        config
    }

    /// Deletes the integration of the rows, as if a worker had planned them before it knew of that.
    pub(crate) async fn delete_integration(&self) {
        let delete = Change::DeleteIntegration(ORG, builders::integration_id(1));
        self.configuration.commit(delete, Expected::Any).await.unwrap();
    }

    /// Starts a scheduler.
    pub(crate) async fn scheduler(&self) -> RunningScheduler {
        self.scheduler_with(self.config()).await
    }

    /// Starts a scheduler with the given configuration.
    pub(crate) async fn scheduler_with(&self, config: Config) -> RunningScheduler {
        let context = Context::new("scheduler", &Stop::new());
        let clock = Arc::new(self.clock.clone());
        let address = run_with_clock(config.clone(), context.clone(), clock).await.unwrap();
        context.readiness().ready().await;
        RunningScheduler {
            config,
            context,
            address,
        }
    }

    /// Plans rows.
    pub(crate) async fn plan(&self, rows: &[ScheduledDelivery]) {
        self.rows.plan(&rows.iter().collect::<Vec<_>>()).await.unwrap();
    }

    /// Every row, by its time.
    pub(crate) async fn all(&self) -> Vec<ScheduledDelivery> {
        let listed = self.rows.list(ORG, &ScheduledFilter::default(), Page::first(500)).await;
        let mut rows = listed.unwrap().items;
        rows.sort_by_key(|row| (row.scheduled_for, row.position));
        rows
    }

    /// Waits until the rows, by their times, have the expected statuses.
    pub(crate) async fn has_statuses(&self, expected: &[ScheduledStatus]) {
        eventually(&format!("rows that are {expected:?}"), async || {
            let found: Vec<_> = self.all().await.iter().map(|row| row.status).collect();
            found == expected
        })
        .await;
    }

    /// Waits for a number of orders.
    pub(crate) async fn ordered(&self, orders: usize) {
        eventually(&format!("{orders} orders"), async || {
            self.worker.script.orders().len() >= orders
        })
        .await;
    }
}

impl RunningScheduler {
    /// A client of the scheduler.
    pub(crate) fn client(&self) -> SchedulerServiceClient<Client> {
        SchedulerServiceClient::new(channel(&self.address.to_string(), &self.config.grpc).unwrap())
    }

    /// Nudges the scheduler: a row may be due since `earliest`.
    pub(crate) async fn nudge(&self, earliest: ig_core::clock::Timestamp) {
        self.client().nudge(SchedulerNudgeRequest::of(earliest)).await.unwrap();
    }
}
