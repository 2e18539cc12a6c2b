//! What a start makes of a database, be it new or of an earlier version.

use futures::TryStreamExt as _;
use mongodb::bson::Document;
use mongodb::{Collection, IndexModel};

use crate::stored::Stored;

async fn indexes(collection: &Collection<Document>) -> Vec<IndexModel> {
    collection.list_indexes().await.unwrap().try_collect().await.unwrap()
}

/// Collections whose rows have no end of their own, and what bounds each.
const BOUNDED: &[(&str, &str)] = &[
    ("api_keys", "configuration"),
    ("circuit_breakers", "one an integration"),
    ("config_changes", "the latest alone: with each that comes one goes"),
    ("config_sizes", "one an organisation"),
    ("counters", "a few, each with a name"),
    ("event_types", "configuration"),
    ("integration_configs", "configuration"),
    ("lookup_leftovers", "generations that are swept ten minutes later"),
    ("lookup_tables", "one a type and unit that has rows"),
    ("lookup_usage", "one a type that integrations name"),
    ("lookups", "configuration"),
    ("org_units", "configuration"),
    ("organizations", "configuration"),
    ("pushed_events", "workers forget what all partitions are done with"),
    ("templates", "configuration"),
    ("users", "configuration"),
    ("worker_checkpoint", "one a partition"),
];

#[tokio::test]
async fn the_rows_of_every_collection_have_an_end_or_are_bounded_otherwise() {
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
