//! A store over a test's own database.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_store::{MongoConfig, SecretSealer, SecretsConfig, Store};
use ig_testkit::mongo::TestDatabase;

/// A migrated store; its database is dropped with it.
pub(crate) struct Stored {
    pub(crate) store: Store,
    pub(crate) database: TestDatabase,
    secrets: SecretSealer,
}

impl Stored {
    pub(crate) async fn fresh() -> Self {
        let database = ig_testkit::mongo::database();
        let keys = vec![SecretSealer::generate_key("test").unwrap()];
        let secrets = SecretSealer::new(&SecretsConfig { keys }).unwrap();
        let store = Store::connect(&config(&database), secrets.clone()).await.unwrap();
        store.migrate().await.unwrap();
        Self {
            store,
            database,
            secrets,
        }
    }

    /// Another process over the same database.
    pub(crate) async fn another(&self) -> Store {
        Store::connect(&config(&self.database), self.secrets.clone()).await.unwrap()
    }
}

pub(crate) fn config(database: &TestDatabase) -> MongoConfig {
    MongoConfig {
        uri: database.uri.clone(),
        database: database.name.clone(),
        ..MongoConfig::default()
    }
}

/// So many seconds after a time that is far from the server's own clock, by which it deletes expired documents.
pub(crate) fn moment(second: i64) -> Timestamp {
    ig_testkit::clock::moment(second) + Duration::from_hours(10 * 365 * 24)
}
