//! A database that dies, freezes and comes back.

use std::time::{Duration, Instant};

use futures::future::join_all;
use ig_core::configuration::Change;
use ig_core::id::OrgId;
use ig_core::ports::{Journal, PartitionLeases, PushedEvents};
use ig_store::{CommitError, Expected, MongoConfig, SecretSealer, Store, StoreError};
use ig_testkit::builders;
use ig_testkit::servers::Mongo;
use ig_testkit::wait::eventually;

use crate::deliveries::{delivery, recorded};

/// Twice what the timeouts below allow together.
const BOUND: Duration = Duration::from_secs(8);

async fn store(server: &Mongo) -> Store {
    let config = MongoConfig {
        uri: server.uri(),
        server_selection_timeout_ms: 1_000,
        connect_timeout_ms: 1_000,
        operation_timeout_ms: 4_000,
        ..MongoConfig::default()
    };
    Store::connect(&config, SecretSealer::closed()).await.unwrap()
}

/// The result of one operation of each port; all of them can be repeated.
async fn answers(store: &Store) -> Vec<Result<(), StoreError>> {
    let put = Change::PutOrganization(builders::organization(7));
    let commit = async {
        match store.configuration().commit(put, Expected::New).await {
            Err(CommitError::Store(error)) => Err(error),
            Ok(_) | Err(CommitError::Duplicate { .. }) => Ok(()),
            Err(other) => panic!("{other}"),
        }
    };
    let log = [recorded(delivery(7, 1))];
    let (journal, leases, queue) = (store.journal(), store.partition_leases(), store.pushed_events());
    let answers = tokio::join!(
        store.ping(),
        commit,
        async { journal.record(&log).await },
        async { leases.list().await.map(drop) },
        async { queue.head().await.map(drop) },
        async { store.organizations().get(OrgId(7), OrgId(7)).await.map(drop) },
    );
    vec![answers.0, answers.1, answers.2, answers.3, answers.4, answers.5]
}

async fn is_away(store: &Store) {
    let began = Instant::now();
    for answer in answers(store).await {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    assert!(began.elapsed() < BOUND, "it took {:?}", began.elapsed());
}

async fn comes_back(store: &Store) {
    eventually("the database answers again", async || {
        answers(store).await.iter().all(Result::is_ok)
    })
    .await;
}

#[tokio::test]
async fn probe_finds_a_database_available_while_many_wait_for_a_connection() {
    let server = Mongo::start().await;
    let config = MongoConfig {
        uri: server.uri(),
        max_pool_size: 1,
        ..MongoConfig::default()
    };
    let store = Store::connect(&config, SecretSealer::closed()).await.unwrap();
    store.organizations().get(OrgId(7), OrgId(7)).await.unwrap();
    // More than one connection handles within a probe's deadline.
    let organizations = store.organizations();
    let crowd = join_all((0..20_000).map(|_| organizations.get(OrgId(7), OrgId(7))));
    tokio::select! {
        biased;
        _ = crowd => panic!("all were answered before anybody looked"),
        looked = store.probe() => assert_eq!(looked, Ok(())),
    }
}

#[tokio::test]
async fn database_that_was_killed_is_unavailable_in_time_and_used_again_when_it_is_back() {
    let mut server = Mongo::start().await;
    let store = store(&server).await;
    store.migrate().await.unwrap();
    assert!(answers(&store).await.iter().all(Result::is_ok));
    server.kill();
    is_away(&store).await;
    server.restart().await;
    comes_back(&store).await;
    let organization = store.organizations().get(OrgId(7), OrgId(7)).await.unwrap();
    assert!(organization.is_some(), "what was committed survived");
}

#[tokio::test]
async fn database_that_froze_is_unavailable_in_time_and_used_again_when_it_thaws() {
    let server = Mongo::start().await;
    let store = store(&server).await;
    store.migrate().await.unwrap();
    assert!(answers(&store).await.iter().all(Result::is_ok));
    server.freeze();
    is_away(&store).await;
    server.thaw();
    comes_back(&store).await;
}

#[tokio::test]
async fn operations_end_at_once_while_the_probe_finds_the_database_unavailable() {
    let server = Mongo::start().await;
    let config = MongoConfig {
        uri: server.uri(),
        ..MongoConfig::default()
    };
    let store = Store::connect(&config, SecretSealer::closed()).await.unwrap();
    store.migrate().await.unwrap();
    server.freeze();
    let organizations = store.organizations();
    let (asked, probed) = tokio::join!(organizations.get(OrgId(7), OrgId(7)), store.probe());
    assert!(matches!(asked, Err(StoreError::Unavailable(_))), "{asked:?}");
    assert!(matches!(probed, Err(StoreError::Unavailable(_))), "{probed:?}");
    is_away(&store).await;
    server.thaw();
    eventually("it is found again", async || store.probe().await.is_ok()).await;
    comes_back(&store).await;
}

#[tokio::test]
async fn operations_fail_in_time_where_no_database_listens() {
    let config = MongoConfig {
        uri: format!("mongodb://127.0.0.1:{}", ig_testkit::port::free_port()),
        server_selection_timeout_ms: 500,
        ..MongoConfig::default()
    };
    let store = Store::connect(&config, SecretSealer::closed()).await.unwrap();
    is_away(&store).await;
}

#[tokio::test]
async fn connection_string_that_is_malformed_is_refused() {
    let config = MongoConfig {
        uri: "nonsense".to_owned(),
        ..MongoConfig::default()
    };
    let refused = Store::connect(&config, SecretSealer::closed()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn migration_runs_in_many_processes_at_once_and_again() {
    let server = ig_testkit::mongo::database();
    let config = crate::stored::config(&server);
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(Store::connect(&config, SecretSealer::closed()).await.unwrap());
    }
    for _ in 0..2 {
        let migrated = join_all(stores.iter().map(Store::migrate)).await;
        assert!(migrated.iter().all(Result::is_ok), "{migrated:?}");
    }
    stores[0]
        .configuration()
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    stores[1].migrate().await.unwrap();
    assert_eq!(
        stores[2].configuration().revision().await.unwrap(),
        1,
        "what is there stays as it is"
    );
}
