//! Outbound integrations: defaults, round trips, verbs.

use serde_json::{Value, json};

use crate::api::{Api, integration_with, key, minimal_integration};

#[tokio::test]
async fn outbound_integration_gets_defaults_for_omitted_fields() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/outbound-integrations?orgId=10", minimal_integration()).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (field, value) in [
        ("orgId", json!(10)),
        ("tenantId", json!(10)),
        ("isActive", json!(true)),
        ("httpMethod", json!("POST")),
        ("outgoingAuthType", json!("NONE")),
        ("timeoutMs", json!(30_000)),
        ("retryCount", json!(3)),
        ("ordering", json!("ORDERED")),
        ("logLevel", json!("FULL")),
        ("scope", json!("ALL_ENTITIES")),
        ("schedulingMode", json!("IMMEDIATE")),
        ("signing", json!({"enabled": false})),
    ] {
        assert_eq!(made.json[field], value, "{field}");
    }
}

#[tokio::test]
async fn outbound_integration_can_be_put_back_as_read_without_a_change() {
    let api = Api::start().await;
    api.org(10).await;
    api.unit(10, 11).await;
    let id = api.integration(10, everything()).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let before = api.get(&path).await.json;
    let put = api.put(&path, before.clone()).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(without_stamp(put.json), without_stamp(before));
    let stored = api
        .store()
        .await
        .integrations()
        .get(ig_core::id::OrgId(10), id.parse::<ig_core::id::IntegrationId>().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(format!("{:?}", stored.auth).contains("X-Key"));
    let ig_core::integration::OutgoingAuth::ApiKey { api_key, .. } = stored.auth else {
        panic!("{:?}", stored.auth)
    };
    assert_eq!(api_key.expose(), "s3cret-key");
}

fn without_stamp(mut document: Value) -> Value {
    let object = document.as_object_mut().unwrap();
    object.remove("revision");
    object.remove("updatedAt");
    document
}

fn everything() -> Value {
    integration_with(json!({
        "eventType": "*",
        "httpMethod": "PUT",
        "passthrough": true,
        "fieldMappings": [
            {"sourceField": "a.b", "targetField": "c", "transform": "date", "format": {"output": "%Y", "timezone": "Asia/Kolkata"}},
            {"sourceField": "x", "targetField": "y", "transform": "default", "defaultValue": null},
        ],
        "staticFields": [{"key": "k", "value": {"n": null}}],
        "outgoingAuthType": "API_KEY",
        "outgoingAuthConfig": {"headerName": "X-Key", "apiKey": "s3cret-key"},
        "signing": {"enabled": true},
        "customHeaders": {"X-Plain": "v"},
        "actions": [
            {"name": "first"},
            {"name": "second", "targetUrl": "https://other.invalid/", "httpMethod": "PATCH", "staticFields": [{"key": "z", "value": 1}]},
        ],
        "multiActionDelayMs": 250,
        "timeoutMs": 1000,
        "retryCount": 5,
        "ordering": "UNORDERED",
        "maxConcurrency": 7,
        "logLevel": "METADATA",
        "schedulingMode": "RECURRING",
        "schedulingConfig": {
            "cron": "0 9 * * MON-FRI", "timezone": "Asia/Kolkata", "maxOccurrences": 5,
            "cancelOn": [{"eventTypes": ["order-cancelled"], "matchKeys": ["order.id"], "action": "RESCHEDULE"}],
        },
        "excludedEntityRids": [11],
    }))
}

#[tokio::test]
async fn outbound_integration_numbers_keep_their_digits() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api.integration(10, integration_with(json!({}))).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let written = r#"[{"key":"id","value":123456789012345678901234567890},{"key":"price","value":1.10}]"#;
    let fields: Value = serde_json::from_str(written).unwrap();
    let patched = api.patch(&path, json!({"staticFields": fields})).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(api.get(&path).await.json["staticFields"].to_string(), written);
}

#[tokio::test]
async fn outbound_integration_patch_of_one_field_leaves_the_others() {
    let api = Api::start().await;
    api.org(10).await;
    api.unit(10, 11).await;
    let id = api.integration(10, everything()).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let before = api.get(&path).await.json;
    let patched = api.patch(&path, json!({"retryCount": null, "name": "New"})).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let mut expected = without_stamp(before);
    expected["retryCount"] = json!(3);
    expected["name"] = json!("New");
    assert_eq!(without_stamp(patched.json), expected);
}

#[tokio::test]
async fn outbound_integration_patch_of_the_auth_type_resets_its_credentials() {
    let api = Api::start().await;
    api.org(10).await;
    api.unit(10, 11).await;
    let id = api.integration(10, everything()).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let patched = api
        .patch(
            &path,
            json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t"}}),
        )
        .await;
    assert_eq!(
        (patched.status, &patched.json["outgoingAuthConfig"]),
        (200, &json!({"token": "********"})),
        "{patched:?}"
    );
    let ordered = api.patch(&path, json!({"ordering": "ORDERED"})).await;
    assert_eq!(
        (ordered.status, ordered.json.get("maxConcurrency")),
        (200, None),
        "{ordered:?}"
    );
    let at_once = api.patch(&path, json!({"schedulingMode": "IMMEDIATE"})).await;
    assert_eq!(
        (at_once.status, at_once.json.get("schedulingConfig")),
        (200, None),
        "{at_once:?}"
    );
}

#[tokio::test]
async fn outbound_integration_is_enabled_disabled_and_filtered() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api.integration(10, minimal_integration()).await;
    api.integration(10, integration_with(json!({"name": "Other", "eventType": "*"})))
        .await;
    let disabled = api
        .send(
            api.request("POST", &format!("/outbound-integrations/{id}/disable?orgId=10")),
            axum::body::Body::empty(),
        )
        .await;
    assert_eq!((disabled.status, &disabled.json["isActive"]), (200, &json!(false)));
    for (filter, names) in [
        ("isActive=false", vec!["Hook"]),
        ("eventType=*", vec!["Other"]),
        ("search=oTh", vec!["Other"]),
        ("search=.*", vec![]),
    ] {
        let listed = api.get(&format!("/outbound-integrations?orgId=10&{filter}")).await;
        let found: Vec<_> = listed.json["integrations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{filter}");
    }
    let enabled = api
        .send(
            api.request("POST", &format!("/outbound-integrations/{id}/enable?orgId=10")),
            axum::body::Body::empty(),
        )
        .await;
    assert_eq!(enabled.json["isActive"], json!(true));
}

#[tokio::test]
async fn outbound_integration_rate_limit_keeps_its_numbers_when_switched_off() {
    let api = Api::start().await;
    api.org(10).await;
    let numbers = json!({"maxRequests": 100, "windowSeconds": 10});
    let id = api.integration(10, integration_with(json!({"rateLimits": numbers}))).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    for enabled in [false, true] {
        let patched = api.patch(&path, json!({"rateLimits": {"enabled": enabled}})).await;
        let expected = json!({"enabled": enabled, "maxRequests": 100, "windowSeconds": 10});
        assert_eq!((patched.status, &patched.json["rateLimits"]), (200, &expected), "{patched:?}");
        let read = api.get(&path).await;
        assert_eq!(read.json["rateLimits"], expected);
        assert_eq!(api.put(&path, read.json).await.json["rateLimits"], expected);
    }
    let none = api.patch(&path, json!({"rateLimits": null})).await;
    assert_eq!((none.status, none.json.get("rateLimits")), (200, None), "{none:?}");
    let off = api.patch(&path, json!({"rateLimits": {"enabled": false}})).await;
    assert_eq!(
        (off.status, off.json.get("rateLimits")),
        (200, None),
        "no numbers, no limit: {off:?}"
    );
    for wrong in [
        json!({"enabled": false, "maxRequests": 0, "windowSeconds": 10}),
        json!({"enabled": false, "windowSeconds": 10}),
    ] {
        let refused = api.patch(&path, json!({"rateLimits": wrong})).await;
        assert_eq!(
            (refused.status, refused.faults()),
            (400, vec!["/rateLimits/maxRequests"]),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn preview_never_signs_a_payload_of_the_readers_choice() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api
        .integration(10, integration_with(json!({"signing": {"enabled": true}})))
        .await;
    let reader = api.with_key(&key(&api, json!({"name": "r", "orgId": 10, "scopes": ["read"]})).await);
    for client in [&reader, &api] {
        let shown = client
            .post(
                "/outbound-integrations/preview?orgId=10",
                json!({"integrationId": id, "payload": {"a": 1}}),
            )
            .await;
        assert_eq!(shown.status, 200, "{shown:?}");
        let headers = shown.json["request"]["headers"].as_array().unwrap();
        let signature = headers.iter().find(|header| header[0] == "webhook-signature").unwrap();
        assert_eq!(signature[1], "v1,(signed when it is sent)", "{shown:?}");
    }
}
