//! Aggregations in a MongoDB database that a tenant chose.

mod guarded;
mod members;
mod operations;
mod pipelines;
mod tap;
mod tls;
mod values;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ig_core::job::{AtCap, BsonStyle, FetchError, FetchLimits, Fetched};
use ig_core::secret::Secret;
use ig_sources::{AddressGuard, ExternalMongo, ExternalQuery, GuardRefusal};
use ig_testkit::mongo::TestDatabase;
use mongodb::bson::{Document, doc};
use parking_lot::Mutex;
use serde_json::Value;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

const LIMITS: FetchLimits = FetchLimits {
    rows: 1_000,
    bytes: 1_000_000,
    deadline: Duration::from_secs(30),
    at_cap: AtCap::Refuse,
};

type Judge = dyn Fn(&str, usize) -> Result<Vec<SocketAddr>, GuardRefusal> + Send + Sync;

/// A guard that records what it is asked. The judge gets a name and the number of questions before.
struct TestGuard {
    judge: Box<Judge>,
    asked: Mutex<Vec<String>>,
}

impl TestGuard {
    fn new(judge: impl Fn(&str, usize) -> Result<Vec<SocketAddr>, GuardRefusal> + Send + Sync + 'static) -> Self {
        Self {
            judge: Box::new(judge),
            asked: Mutex::new(Vec::new()),
        }
    }

    /// A guard that knows one address for every name.
    fn leading_to(address: SocketAddr) -> Self {
        Self::new(move |_, _| Ok(vec![address]))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

#[async_trait]
impl AddressGuard for TestGuard {
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, GuardRefusal> {
        let before = self.asked.lock().len();
        self.asked.lock().push(format!("{host}:{port}"));
        (self.judge)(host, before)
    }
}

fn blocked() -> GuardRefusal {
    GuardRefusal::Blocked("The address is not public.".to_owned())
}

/// The address of the test's server.
fn server(database: &TestDatabase) -> SocketAddr {
    let hosts = database.uri.trim_start_matches("mongodb://").split(['/', '?']).next();
    hosts.unwrap().parse().expect("an address and a port")
}

/// A client of databases whose certificates no root has signed.
fn external() -> ExternalMongo {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    ExternalMongo::new(Arc::new(config))
}

/// A database with rows `{n}`.
async fn with_rows(count: i32) -> TestDatabase {
    let database = ig_testkit::mongo::database();
    let rows = (0..count).map(|n| doc! { "_id": n, "n": n });
    let collection = database.open().await.collection::<Document>("rows");
    collection.insert_many(rows).await.unwrap();
    database
}

/// Runs a pipeline over the rows of a database whose connection string names `db.example`.
async fn fetch(
    database: &TestDatabase,
    pipeline: &Value,
    guard: &TestGuard,
    limits: &FetchLimits,
) -> Result<Fetched, FetchError> {
    fetch_from("mongodb://db.example/", database, pipeline, guard, limits).await
}

async fn fetch_from(
    connection: &str,
    database: &TestDatabase,
    pipeline: &Value,
    guard: &TestGuard,
    limits: &FetchLimits,
) -> Result<Fetched, FetchError> {
    let query = ExternalQuery {
        connection: &Secret::new(connection),
        database: &database.name,
        collection: "rows",
        pipeline: pipeline.as_array().expect("a list"),
        style: BsonStyle::Plain,
    };
    external().fetch(&query, guard, limits, &CancellationToken::new()).await
}
