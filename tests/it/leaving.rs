//! An organisation is deleted while the gateway is killed.

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
async fn organisation_removal_survives_a_killed_gateway_and_reserves_the_number() {
    let mut setup = setup().await;
    let api = setup.stack.api.clone();
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    for number in 0..20 {
        let event = json!({"id": format!("e-{number}"), "eventType": "lab", "payload": {"patient": number}});
        api.post(&format!("/events?orgId={ORG}"), &event).await;
    }
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 20).await;

    // A second gateway deletes the organisation: the first would keep its number reserved for too long.
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
    // Another gateway takes over a killed one's work once the lease has expired.
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
