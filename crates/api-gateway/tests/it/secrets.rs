//! Secrets are write-only.

use serde_json::{Value, json};

use crate::api::{Api, integration_with, merged};

#[tokio::test]
async fn signing_secret_is_shown_only_on_creation() {
    let api = Api::start().await;
    api.org(10).await;
    let auth = json!({"outgoingAuthType": "BASIC", "outgoingAuthConfig": {"username": "ada", "password": "p4ss"}});
    let mut body = integration_with(auth);
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
async fn mask_is_never_stored_as_a_secret() {
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
        let answer = api.post("/outbound-integrations?orgId=10", integration_with(body)).await;
        assert_eq!((answer.status, answer.faults()), (400, vec![pointer]));
    }
}

/// Changes a document, and expects the secret at `again` to be required again, if any.
async fn change(api: &Api, path: &str, verb: &str, body: Value, again: Option<&str>) {
    let change = format!("{verb} {path} {body}");
    let answer = api.json(verb, path, body).await;
    let expected = again.map_or((200, vec![]), |place| (400, vec![place]));
    assert_eq!((answer.status, answer.faults()), expected, "{change}: {answer:?}");
    if again.is_some() {
        assert!(
            answer.text("/details/0/message").starts_with("must be given again: "),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn masked_secret_never_follows_a_change_of_host() {
    let api = Api::start().await;
    api.org(10).await;
    let token = "/outgoingAuthConfig/token";
    let bearer = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"}});
    let id = api.integration(10, integration_with(bearer.clone())).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    for url in [
        "https://thief.example/",
        "http://receiver.invalid/hook",
        "https://receiver.invalid:8443/hook",
    ] {
        change(&api, &path, "PATCH", json!({"targetUrl": url}), Some(token)).await;
    }
    let actions = json!({"actions": [{"name": "a", "targetUrl": "https://thief.example/"}]});
    change(&api, &path, "PATCH", actions, Some(token)).await;
    let shown = api.get(&path).await.json;
    change(
        &api,
        &path,
        "PUT",
        merged(shown.clone(), json!({"targetUrl": "https://thief.example/"})),
        Some(token),
    )
    .await;
    change(
        &api,
        &path,
        "PATCH",
        json!({"targetUrl": "https://RECEIVER.invalid:443/other"}),
        None,
    )
    .await;
    let given = json!({"targetUrl": "https://other.example/", "outgoingAuthConfig": {"token": "t0ken"}});
    change(&api, &path, "PATCH", given, None).await;
    change(
        &api,
        &path,
        "PATCH",
        json!({"targetUrl": "https://third.example/", "outgoingAuthType": "NONE"}),
        None,
    )
    .await;

    let oauth = json!({"outgoingAuthType": "OAUTH2", "outgoingAuthConfig": {
        "tokenUrl": "https://login.example/token", "clientId": "c", "clientSecret": "s3cret",
    }});
    let inbound = merged(
        merged(json!({"type": "t", "name": "T", "targetUrl": "https://api.example/"}), oauth),
        json!({"customHeaders": {"X-Functions-Key": "k3y", "X-Plain": "p"}}),
    );
    let made = api.post("/inbound-integrations?orgId=10", inbound).await;
    let path = format!("/inbound-integrations/{}?orgId=10", made.text("/id"));
    let elsewhere = json!({"outgoingAuthConfig": {"tokenUrl": "https://thief.example/token"}});
    change(&api, &path, "PATCH", elsewhere, Some("/outgoingAuthConfig/clientSecret")).await;
    let refused = api.patch(&path, json!({"targetUrl": "https://thief.example/"})).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            400,
            vec!["/customHeaders/X-Functions-Key", "/outgoingAuthConfig/clientSecret"]
        ),
        "{refused:?}"
    );

    let job = json!({
        "name": "J", "schedule": {"type": "INTERVAL", "intervalMs": 60_000}, "targetUrl": "https://receiver.invalid/",
        "dataSource": {"type": "API", "url": "https://data.example/rows", "headers": {"X-Goog-Api-Key": "k3y"}},
    });
    let made = api.post("/scheduled-jobs?orgId=10", job).await;
    let path = format!("/scheduled-jobs/{}?orgId=10", made.text("/id"));
    let elsewhere = json!({"dataSource": {"url": "https://thief.example/rows"}});
    change(&api, &path, "PATCH", elsewhere, Some("/dataSource/headers/X-Goog-Api-Key")).await;
    change(
        &api,
        &path,
        "PATCH",
        json!({"dataSource": {"url": "https://data.example/other"}}),
        None,
    )
    .await;
}

#[tokio::test]
async fn applied_configuration_document_keeps_no_secret_for_another_host() {
    let api = Api::start().await;
    api.org(10).await;
    let bearer = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"}});
    api.integration(10, integration_with(bearer)).await;
    let mut document = api.get("/configuration?orgId=10").await.json;
    document["outboundIntegrations"][0]["targetUrl"] = json!("https://thief.example/");
    let refused = api.post("/configuration/apply?orgId=10", document).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (400, vec!["/outboundIntegrations/0/outgoingAuthConfig/token"]),
        "{refused:?}"
    );
}

#[tokio::test]
async fn headers_holding_credentials_are_masked_under_any_name() {
    let api = Api::start().await;
    api.org(10).await;
    let headers = json!({
        "Ocp-Apim-Subscription-Key": "abc", "X-RapidAPI-Key": "abc", "X-Hospital": "4f9d2c7be1a84b0c9d3e5f6a7b8c9d0e",
        "X-Region": "north-2",
    });
    let id = api.integration(10, integration_with(json!({"customHeaders": headers}))).await;
    let shown = api.get(&format!("/outbound-integrations/{id}?orgId=10")).await.json;
    assert_eq!(
        shown["customHeaders"],
        json!({
            "Ocp-Apim-Subscription-Key": "********", "X-RapidAPI-Key": "********", "X-Hospital": "********", "X-Region": "north-2",
        })
    );
}
