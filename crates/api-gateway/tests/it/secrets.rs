//! Secrets are written, and never read.

use serde_json::json;

use crate::api::{Api, with};

#[tokio::test]
async fn the_making_answer_alone_shows_the_signing_secret() {
    let api = Api::start().await;
    api.org(10).await;
    let auth = json!({"outgoingAuthType": "BASIC", "outgoingAuthConfig": {"username": "ada", "password": "p4ss"}});
    let mut body = with(auth);
    body["signing"] = json!({"enabled": true});
    body["customHeaders"] = json!({"X-Auth-Token": "t0ken", "X-Plain": "plain"});
    let made = api.post("/outbound-integrations?orgId=10", body).await;
    assert!(made.text("/signing/secrets/0").starts_with("whsec_"));
    assert_eq!(
        made.json["outgoingAuthConfig"],
        json!({"username": "ada", "password": "********"})
    );
    let path = format!("/outbound-integrations/{}?orgId=10", made.text("/id"));
    for answer in [
        api.get(&path).await.json,
        api.get("/outbound-integrations?orgId=10").await.json["integrations"][0].clone(),
    ] {
        assert_eq!(answer["signing"]["secrets"], json!(["********"]));
        assert_eq!(answer["outgoingAuthConfig"]["password"], "********");
        assert_eq!(
            answer["customHeaders"],
            json!({"X-Auth-Token": "********", "X-Plain": "plain"})
        );
    }
}

#[tokio::test]
async fn a_mask_is_never_taken_for_a_secret() {
    let api = Api::start().await;
    api.org(10).await;
    for (body, pointer) in [
        (
            json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "********"}}),
            "/outgoingAuthConfig/token",
        ),
        (
            json!({"signing": {"enabled": true, "secrets": ["********"]}}),
            "/signing/secrets/0",
        ),
        (
            json!({"customHeaders": {"X-Auth-Token": "********"}}),
            "/customHeaders/X-Auth-Token",
        ),
    ] {
        let answer = api.post("/outbound-integrations?orgId=10", with(body)).await;
        assert_eq!((answer.status, answer.faults()), (400, vec![pointer]));
    }
}

#[tokio::test]
async fn headers_that_look_like_credentials_are_masked_under_any_name() {
    let api = Api::start().await;
    api.org(10).await;
    let headers = json!({
        "Ocp-Apim-Subscription-Key": "abc", "X-RapidAPI-Key": "abc", "X-Hospital": "4f9d2c7be1a84b0c9d3e5f6a7b8c9d0e",
        "X-Region": "north-2",
    });
    let id = api.integration(10, with(json!({"customHeaders": headers}))).await;
    let shown = api.get(&format!("/outbound-integrations/{id}?orgId=10")).await.json;
    assert_eq!(
        shown["customHeaders"],
        json!({
            "Ocp-Apim-Subscription-Key": "********", "X-RapidAPI-Key": "********", "X-Hospital": "********", "X-Region": "north-2",
        })
    );
}
