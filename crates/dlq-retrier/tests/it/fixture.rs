//! The service with its own database and fake peers.

use std::time::Duration;

use ig_dlq_retrier::{Config, run};
use ig_proto::v1::dlq_service_client::DlqServiceClient;
use ig_service::grpc::{Client, channel};
use ig_service::{Context, Stop};
use ig_store::{MongoConfig, SecretSealer, SecretsConfig, Store};
use ig_testkit::mongo::TestDatabase;

pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// A running service and its client.
pub(crate) struct RunningRetrier {
    pub(crate) context: Context,
    pub(crate) client: DlqServiceClient<Client>,
}

pub(crate) fn config(uri: &str, database: &str) -> Config {
    let mut config = Config::default();
    uri.clone_into(&mut config.mongodb.uri);
    database.clone_into(&mut config.mongodb.database);
    config.grpc.listen.set_port(0);
    // No test depends on the poll.
    config.dlq.poll_interval_seconds = 3_600;
    config
}

impl RunningRetrier {
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, |_| {}).await
    }

    pub(crate) async fn start_with(database: &TestDatabase, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&database.uri, &database.name);
        change(&mut config);
        let context = Context::new("dlq-retrier", &Stop::new());
        let address = run(config.clone(), context.clone()).await.unwrap();
        let client = DlqServiceClient::new(channel(&address.to_string(), &config.grpc).unwrap());
        Self { context, client }
    }
}

/// The service's database, migrated.
pub(crate) async fn store(database: &TestDatabase) -> Store {
    let config = MongoConfig {
        uri: database.uri.clone(),
        database: database.name.clone(),
        ..MongoConfig::default()
    };
    let keys = vec![SecretSealer::generate_key("test").unwrap()];
    let store = Store::connect(&config, SecretSealer::new(&SecretsConfig { keys }).unwrap())
        .await
        .unwrap();
    store.migrate().await.unwrap();
    store
}
