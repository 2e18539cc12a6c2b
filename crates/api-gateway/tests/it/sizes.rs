//! The limits of configuration sizes, and that large items block nothing.

use std::collections::BTreeMap;

use ig_core::configuration::{Change, Configuration, MAX_ITEM_BYTES, MAX_ORGANIZATION_BYTES, RevisedChange};
use ig_core::id::{EventType, OrgId};
use ig_core::integration::HoldCause;
use ig_proto::v1::WatchRequest;
use ig_proto::v1::config_service_client::ConfigServiceClient;
use ig_proto::v1::watch_response::Step;
use serde_json::{Value, json};

use crate::api::{Answer, Api, integration_with, minimal_integration};

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// An integration with one static field of this many bytes.
fn integration_of_size(bytes: usize) -> Value {
    integration_with(json!({"staticFields": [{"key": "a", "value": 1}, {"key": "b", "value": text(bytes)}]}))
}

fn event_type(name: &str, bytes: usize) -> Value {
    json!({"eventType": name, "samplePayload": {"small": 1, "large": text(bytes)}})
}

fn assert_blames(refused: &Answer, pointer: &str, bound: usize) {
    assert_eq!((refused.status, refused.faults()), (400, vec![pointer]), "{refused:?}");
    let message = refused.text("/details/0/message");
    assert!(message.contains(&bound.to_string()), "{message}");
}

#[tokio::test]
async fn oversized_item_is_refused_with_a_pointer_to_its_largest_field() {
    let api = Api::start().await;
    api.org(10).await;
    for (path, body, pointer) in [
        (
            "/outbound-integrations",
            integration_of_size(MAX_ITEM_BYTES),
            "/staticFields/1/value",
        ),
        ("/event-types", event_type("order", MAX_ITEM_BYTES), "/samplePayload/large"),
    ] {
        let refused = api.post(&format!("{path}?orgId=10"), body).await;
        assert_blames(&refused, pointer, MAX_ITEM_BYTES);
    }
    let statics = json!([{"key": "b", "value": text(MAX_ITEM_BYTES)}]);
    let id = api.integration(10, minimal_integration()).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let patched = api.patch(&path, json!({"staticFields": statics})).await;
    assert_blames(&patched, "/staticFields/0/value", MAX_ITEM_BYTES);
    assert_eq!(api.get(&path).await.json["revision"], json!(2), "nothing was changed");
    assert_eq!(api.get("/outbound-integrations?orgId=10").await.json["total"], json!(1));
}

#[tokio::test]
async fn configuration_quota_is_per_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let bytes = MAX_ITEM_BYTES - 1_000;
    let fitting = MAX_ORGANIZATION_BYTES / MAX_ITEM_BYTES;
    for number in 0..fitting {
        let made = api
            .post("/event-types?orgId=10", event_type(&format!("t{number}"), bytes))
            .await;
        assert_eq!(made.status, 201, "{number}: {:?}", made.json["details"]);
    }
    let refused = api.post("/event-types?orgId=10", event_type("more", bytes)).await;
    assert_blames(&refused, "/samplePayload/large", MAX_ORGANIZATION_BYTES);
    // Items that do not grow can still change, other organisations have their own quota, and deletions free it.
    let described = json!({"samplePayload": {"large": text(bytes)}});
    assert_eq!(api.patch("/event-types/t0?orgId=10", described).await.status, 200);
    assert_eq!(api.post("/event-types?orgId=20", event_type("t0", bytes)).await.status, 201);
    assert_eq!(api.delete("/event-types/t0?orgId=10").await.status, 204);
    assert_eq!(api.post("/event-types?orgId=10", event_type("more", bytes)).await.status, 201);
}

/// The configuration from a feed, and its messages by kind. The client accepts only the default message size.
async fn watched(api: &Api, resume_from_revision: u64) -> (Configuration, BTreeMap<&'static str, usize>) {
    let mut client = ConfigServiceClient::connect(format!("http://{}", api.at.grpc)).await.unwrap();
    let stream = client.watch(WatchRequest { resume_from_revision }).await.unwrap();
    let mut stream = stream.into_inner();
    let mut configuration = Configuration::at(resume_from_revision);
    let mut counts = BTreeMap::new();
    loop {
        let message = tokio::time::timeout(std::time::Duration::from_secs(30), stream.message()).await;
        let step = message.expect("a sign of life").unwrap().unwrap().step.unwrap();
        let kind = match step {
            Step::SnapshotBegin(begin) => {
                configuration = Configuration::at(begin.revision);
                "begin"
            }
            Step::SnapshotPart(part) => {
                part.items
                    .into_iter()
                    .for_each(|item| configuration.put(Change::try_from(item).unwrap()));
                "part"
            }
            Step::SnapshotEnd(_) => "end",
            Step::Changes(changes) => {
                let changes = changes.changes.into_iter();
                changes.for_each(|change| configuration.apply(RevisedChange::try_from(change).unwrap()));
                "changes"
            }
            Step::Heartbeat(_) => return (configuration, counts),
        };
        *counts.entry(kind).or_default() += 1;
    }
}

#[tokio::test]
async fn large_items_reach_a_watcher_in_several_messages() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api.integration(10, integration_of_size(900_000)).await;
    for _ in 0..6 {
        api.integration(10, integration_of_size(900_000)).await;
    }
    let (configuration, counts) = watched(&api, 0).await;
    assert_eq!(configuration.integrations().count(), 7);
    assert!(counts["part"] >= 7, "{counts:?}");
    let revision = configuration.revision();
    for number in 0..7 {
        let renamed = json!({"name": format!("Hook {number}")});
        let path = format!("/outbound-integrations/{id}?orgId=10");
        assert_eq!(api.patch(&path, renamed).await.status, 200);
    }
    let (_, counts) = watched(&api, revision).await;
    assert_eq!(counts, BTreeMap::from([("changes", 7)]), "each change is a message");
}

#[tokio::test]
async fn stored_oversized_item_is_out_of_use_and_blocks_no_others() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let fine = api.integration(20, minimal_integration()).await;
    let mut grown = Vec::new();
    for number in 0..14 {
        let small = json!({"name": format!("Hook {number}"), "staticFields": [{"key": "a", "value": 1}]});
        grown.push(api.integration(10, integration_with(small)).await);
    }
    api.post("/event-types?orgId=10", json!({"eventType": "order", "samplePayload": 1}))
        .await;
    let large = json!(text(5 * MAX_ITEM_BYTES)).to_string();
    for (collection, field) in [
        ("integration_configs", "staticFields.0.value"),
        ("event_types", "samplePayload"),
    ] {
        api.database.set_text(collection, 10, field, &large).await;
    }

    // A gateway that starts now reads the large items as well.
    let other = api.replica().await;
    let (configuration, _) = watched(&other, 0).await;
    let org = |org: i64| configuration.org(OrgId(org)).expect("it is there");
    let fine = org(20).integration(fine.parse().unwrap()).expect("it is there");
    assert!(fine.is_active && fine.hold.is_none());
    assert!(org(10).event_type(&EventType::new("order")).is_some());
    for id in &grown {
        let held = org(10).integration(id.parse().unwrap()).expect("it holds what it matches");
        let hold = held.hold.as_ref().expect("a hold");
        assert_eq!(hold.cause, HoldCause::Paused, "it is out of use");
        assert!(hold.reason.contains(&MAX_ITEM_BYTES.to_string()), "{}", hold.reason);
    }
    // A smaller version brings the item back into use.
    let path = format!("/outbound-integrations/{}?orgId=10", grown[0]);
    let refused = other.patch(&path, json!({"name": "Renamed"})).await;
    assert_blames(&refused, "/staticFields/0/value", MAX_ITEM_BYTES);
    let mended = other.patch(&path, json!({"staticFields": []})).await;
    assert_eq!(mended.status, 200, "{mended:?}");
    let (configuration, _) = watched(&other, 0).await;
    let mended = configuration.org(OrgId(10)).unwrap().integration(grown[0].parse().unwrap());
    assert!(mended.is_some_and(|mended| mended.is_active && mended.hold.is_none()));
}
