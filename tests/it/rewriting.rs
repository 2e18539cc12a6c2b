//! Configuration of an earlier version under gateways that are killed while they rewrite it.

use std::time::Duration;

use ig_testkit::earlier::{EarlierConfiguration, unwritten};
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::stack::Stack;

/// Versions beside those of the fixture, so that rewriting takes longer than a gateway lives here.
const FURTHER_VERSIONS: i64 = 1_500;
const KILLS: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn earlier_configuration_is_served_whole_after_gateways_were_killed_while_they_rewrote_it() {
    let mongo = ig_testkit::mongo::database();
    let earlier = EarlierConfiguration::read();
    earlier.insert(&mongo).await;
    let versions = mongo.open().await.collection::<Document>("config_versions");
    let template = earlier.documents["config_versions"]
        .iter()
        .find(|version| version.get_str("kind").is_ok_and(|kind| kind == "OUTBOUND_INTEGRATION"))
        .or_else(|| earlier.documents["config_versions"].last());
    let template = template.expect("a version").clone();
    let further = (1..=FURTHER_VERSIONS).map(|number| {
        let mut version = template.clone();
        version.insert("_id", -number);
        version
    });
    versions.insert_many(further.collect::<Vec<_>>()).await.unwrap();

    let key = [("IG__SECRETS__KEYS", earlier.key.as_str())];
    let mut left = unwritten(&mongo).await;
    for _ in 0..KILLS {
        let mut gateway = Stack::spawn_gateway(&mongo, &key);
        // Each lives until it has written something, or has nothing left to write.
        while unwritten(&mongo).await == left && gateway.probe("/readyz").await != Some(200) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gateway.kill();
        let now = unwritten(&mongo).await;
        assert!(now <= left, "{now} documents are left after {left}");
        left = now;
    }

    let stack = Stack::start_with(&mongo, &key).await;
    assert_eq!(unwritten(&mongo).await, 0);
    let outbound = stack.api.list(7, "outbound-integrations", "integrations", "").await;
    let inbound = stack.api.list(7, "inbound-integrations", "integrations", "").await;
    let jobs = stack.api.list(7, "scheduled-jobs", "jobs", "").await;
    assert_eq!((outbound.len(), inbound.len(), jobs.len()), (7, 5, 3));
    let full = outbound
        .iter()
        .find(|integration| integration["name"] == json!("Outbound 30"));
    let full = full.expect("the integration that has every field");
    assert_eq!(
        full["staticFields"][1]["value"]["$set"].to_string(),
        "123456789012345678901234567890"
    );
    // Every version can be read, those of deleted keys and hidden secrets included.
    let counted = versions.count_documents(doc! { "document.format": 2 }).await.unwrap();
    let kept = earlier.documents["config_versions"].len() as i64 + FURTHER_VERSIONS;
    assert_eq!(counted as i64, kept);
}
