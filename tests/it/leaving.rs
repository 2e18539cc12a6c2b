//! An organisation leaves while the gateway is killed.

use std::time::Duration;

use http::{Method, StatusCode};
use ig_testkit::wait::{eventually, eventually_within};
use serde_json::json;

use crate::api::Api;
use crate::setup::{ORG, setup};

async fn stage(api: &Api) -> String {
    let deletion = api.call(Method::GET, &format!("/admin/orgs/{ORG}/deletion"), None).await;
    deletion.body["status"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_goes_on_removing_and_the_number_is_held_meanwhile() {
    let mut setup = setup().await;
    let api = setup.stack.api.clone();
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    for number in 0..20 {
        let event = json!({"id": format!("e-{number}"), "eventType": "lab", "payload": {"patient": number}});
        api.post(&format!("/events?orgId={ORG}"), &event).await;
    }
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 20).await;

    // Another gateway removes it: this one would hold the number for long.
    setup.stack.gateway.kill();
    let shortly = [("IG__ORGANIZATIONS__NUMBER_HOLD_SECONDS", "3")];
    let (mut gateway, api) = setup.stack.gateway_beside(&shortly).await;
    let deleted = api.call(Method::DELETE, &format!("/admin/orgs/{ORG}"), None).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let again = json!({"orgId": ORG, "name": "Another"});
    for _ in 0..3 {
        gateway.kill();
        gateway.start_again().await;
        if stage(&api).await == "REMOVING" {
            let refused = api.call(Method::POST, "/admin/orgs", Some(&again)).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        }
    }
    // What a killed one held is another's when its lease has ended.
    let patience = Duration::from_secs(90);
    eventually_within(patience, "nothing of it is left", async || stage(&api).await == "DONE").await;
    api.post("/admin/orgs", &again).await;
    for (resource, plural) in [
        ("logs", "logs"),
        ("execution-logs", "executionLogs"),
        ("events", "events"),
        ("dlq", "entries"),
    ] {
        let listed = api.list(ORG, resource, plural, "").await;
        assert!(listed.is_empty(), "{resource}: {listed:?}");
    }
}
