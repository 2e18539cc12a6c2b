//! Migration of a new database, and of one from an earlier version.

use futures::TryStreamExt as _;
use ig_core::ports::Journal as _;
use ig_store::Store;
use mongodb::bson::{Document, doc};
use mongodb::{Collection, IndexModel};

use crate::deliveries::{delivery, recorded};
use crate::stored::Stored;

async fn indexes(collection: &Collection<Document>) -> Vec<IndexModel> {
    collection.list_indexes().await.unwrap().try_collect().await.unwrap()
}

/// Collections whose rows do not expire, and what bounds each.
const BOUNDED: &[(&str, &str)] = &[
    ("alert_notice_queues", "one a channel"),
    ("alert_routes", "one an organisation"),
    ("api_keys", "configuration"),
    ("circuit_breakers", "one an integration"),
    ("config_changes", "the latest alone: with each that comes one goes"),
    ("config_sizes", "one an organisation"),
    ("counters", "a few, each with a name"),
    ("data_connections", "configuration"),
    ("event_types", "configuration"),
    ("integration_configs", "configuration"),
    ("lookup_leftovers", "generations that are swept ten minutes later"),
    ("lookup_tables", "one a type and unit that has rows"),
    ("lookup_usage", "one a type that integrations name"),
    ("lookups", "configuration"),
    ("notification_channels", "configuration"),
    ("org_units", "configuration"),
    ("organizations", "configuration"),
    ("pushed_events", "workers forget what all partitions are done with"),
    ("scheduled_job_states", "one a job"),
    ("templates", "configuration"),
    ("users", "configuration"),
    ("worker_checkpoint", "one a partition"),
];

#[tokio::test]
async fn collections_all_have_an_expiry_or_another_bound() {
    let stored = Stored::fresh().await;
    let database = stored.database.open().await;
    let mut endless = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        let indexes = indexes(&database.collection(&name)).await;
        let ends = indexes.iter().filter_map(|index| index.options.as_ref()?.expire_after);
        if ends.count() == 0 {
            endless.push(name);
        }
    }
    endless.sort_unstable();
    let bounded: Vec<_> = BOUNDED.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        endless, bounded,
        "a collection without an end grows for ever: give it one, or say here what bounds it"
    );
}

#[tokio::test]
async fn migration_replaces_an_index_of_an_earlier_version_however_many_processes_start() {
    let stored = Stored::fresh().await;
    stored.store.journal().record(&[recorded(delivery(7, 1))]).await.unwrap();
    let logs = stored.database.open().await.collection::<Document>("delivery_logs");
    let count = indexes(&logs).await.len();
    logs.drop_index("correlationId_1_given").await.unwrap();
    let earlier = IndexModel::builder().keys(doc! { "correlationId": 1 }).build();
    logs.create_index(earlier).await.unwrap();

    let stores = [stored.another().await, stored.another().await, stored.another().await];
    futures::future::try_join_all(stores.iter().map(Store::migrate))
        .await
        .unwrap();
    stored.store.migrate().await.unwrap();

    let after = indexes(&logs).await;
    assert_eq!(after.len(), count);
    let mut there = after.into_iter().filter(|index| index.keys == doc! { "correlationId": 1 });
    let (index, none) = (there.next().expect("an index"), there.next());
    assert!(none.is_none(), "{none:?}");
    let some = index.options.and_then(|options| options.partial_filter_expression);
    assert_eq!(some, Some(doc! { "correlationId": { "$exists": true } }));
}
