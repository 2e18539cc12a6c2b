//! A test's own database on the shared MongoDB server.

use std::time::Duration;

use futures::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};

use crate::servers::required;

/// The variable with the server's address: `mongodb://host:port`.
pub const URI_VARIABLE: &str = "IG_TEST_MONGODB_URI";

/// Set where a test's database is dropped with it. `secantusd-rs` keeps all databases in a fixed set of files and holds a lock of the
/// whole server while it drops one, for as long as any transaction is open in it: a test that ends while its gateway still writes would
/// stop all others. The servers' data are deleted after a run in any case.
const DROP_VARIABLE: &str = "IG_TEST_MONGODB_DROP";

/// A fresh database. On a `mongod`, where each one costs hundreds of files, it is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// The server's address.
    pub uri: String,
    /// The database's name.
    pub name: String,
}

/// A fresh database on the server of [`URI_VARIABLE`].
///
/// # Panics
/// If the variable is missing; the message says how to run the tests.
pub fn database() -> TestDatabase {
    database_on(&required(URI_VARIABLE))
}

/// A fresh database on a server.
pub fn database_on(uri: &str) -> TestDatabase {
    TestDatabase {
        uri: uri.to_owned(),
        name: format!("ig_test_{:016x}", rand::random::<u64>()),
    }
}

impl TestDatabase {
    /// A new client, for the current runtime.
    ///
    /// # Panics
    /// If the address is malformed.
    pub async fn client(&self) -> Client {
        Client::with_uri_str(&self.uri).await.expect("a MongoDB address")
    }

    /// The database, through a new client.
    ///
    /// # Panics
    /// If the address is malformed.
    pub async fn open(&self) -> Database {
        self.client().await.database(&self.name)
    }

    /// Every stored document as text, with the name of its collection.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn everything(&self) -> Vec<(String, String)> {
        let database = self.open().await;
        let mut everything = Vec::new();
        for name in database.list_collection_names().await.expect("names") {
            let collection = database.collection::<Document>(&name);
            let cursor = collection.find(doc! {}).await.expect("a cursor");
            let documents: Vec<Document> = cursor.try_collect().await.expect("documents");
            everything.extend(documents.into_iter().map(|document| (name.clone(), format!("{document:?}"))));
        }
        everything
    }
}

impl TestDatabase {
    /// Sets a field of all of an organisation's documents in a collection, bypassing every check.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn set_text(&self, collection: &str, org: i64, field: &str, text: &str) {
        let collection = self.open().await.collection::<Document>(collection);
        let set = doc! { "$set": { field: text } };
        collection.update_many(doc! { "orgId": org }, set).await.expect("an update");
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if std::env::var_os(DROP_VARIABLE).is_none() {
            return;
        }
        let (uri, name) = (self.uri.clone(), self.name.clone());
        // The test's runtime may be shutting down, so a separate thread drops the database.
        let dropped = std::thread::spawn(move || drop_database(&uri, &name)).join();
        drop(dropped);
    }
}

fn drop_database(uri: &str, name: &str) {
    const DROP_TIMEOUT: Duration = Duration::from_secs(5);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    // A killed server cannot drop the database; its data directory is deleted with the server.
    let dropped = runtime.block_on(async {
        let work = async { Client::with_uri_str(uri).await?.database(name).drop().await };
        tokio::time::timeout(DROP_TIMEOUT, work).await
    });
    drop(dropped);
}
