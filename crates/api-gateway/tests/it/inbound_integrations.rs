//! Inbound integrations: defaults, round trips, validation, secrets, verbs.

use serde_json::{Value, json};

use crate::api::{Api, merged};

const HOOK_SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn minimal_document() -> Value {
    json!({"type": "booking", "name": "Booking", "targetUrl": "https://api.invalid/v1/bookings"})
}

fn document_with(fields: Value) -> Value {
    merged(minimal_document(), fields)
}

fn everything() -> Value {
    document_with(json!({
        "allowedMethods": ["GET", "POST", "DELETE"],
        "pathSuffix": true,
        "inboundAuthType": "HMAC",
        "inboundAuthConfig": {"secrets": [HOOK_SECRET], "toleranceSeconds": 60},
        "allowedAddresses": ["203.0.113.0/24", "2001:db8::1"],
        "outgoingAuthType": "OAUTH2",
        "outgoingAuthConfig": {"tokenUrl": "https://login.invalid/token", "clientId": "gateway", "clientSecret": "s3cret"},
        "signing": {"enabled": true},
        "customHeaders": {"X-Plain": "v", "X-Api-Token": "t0ken"},
        "requestTransformationMode": "SCRIPT",
        "requestTransformScript": "return { booking: payload };",
        "responseFieldMappings": [{"sourceField": "data.id", "targetField": "id"}],
        "timeouts": {"connectMs": 1000, "firstByteMs": 2000, "idleMs": 3000, "totalMs": 4000},
        "maxConcurrency": 7,
        "rateLimits": {"maxRequests": 10, "windowSeconds": 60},
        "breaker": {"probeAfterSeconds": 30},
        "logLevel": "NONE",
        "logging": "BEST_EFFORT",
    }))
}

#[tokio::test]
async fn inbound_integration_gets_defaults_for_omitted_fields() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/inbound-integrations?orgId=10", minimal_document()).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (field, value) in [
        ("orgId", json!(10)),
        ("tenantId", json!(10)),
        ("direction", json!("INBOUND")),
        ("isActive", json!(true)),
        ("httpMethod", json!("POST")),
        ("allowedMethods", json!(["POST"])),
        ("pathSuffix", json!(false)),
        ("inboundAuthType", json!("NONE")),
        ("outgoingAuthType", json!("NONE")),
        ("allowedAddresses", json!([])),
        (
            "timeouts",
            json!({"connectMs": 5000, "firstByteMs": 30_000, "idleMs": 30_000, "totalMs": 30_000}),
        ),
        ("retryCount", json!(3)),
        ("maxConcurrency", json!(100)),
        ("logLevel", json!("FULL")),
        ("logging", json!("REQUIRED")),
        ("signing", json!({"enabled": false})),
    ] {
        assert_eq!(made.json[field], value, "{field}");
    }
    assert_eq!(made.json.get("requestTransformationMode"), None);
}

#[tokio::test]
async fn inbound_integration_can_be_put_back_as_read_without_a_change() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/inbound-integrations?orgId=10", everything()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/inbound-integrations/{}?orgId=10", made.text("/id"));
    let before = api.get(&path).await.json;
    let put = api.put(&path, before.clone()).await;
    assert_eq!(put.status, 200, "{put:?}");
    let without_stamp = |mut document: Value| {
        let object = document.as_object_mut().unwrap();
        object.remove("revision");
        object.remove("updatedAt");
        document
    };
    assert_eq!(without_stamp(put.json), without_stamp(before));
    let id: ig_core::id::IntegrationId = made.text("/id").parse().unwrap();
    let inbound = api.store().await.inbound_integrations();
    let stored = inbound.get(ig_core::id::OrgId(10), id).await.unwrap().unwrap();
    let ig_core::inbound::ClientAuth::Hmac(hmac) = stored.client_auth else {
        panic!("{:?}", stored.client_auth)
    };
    assert_eq!(hmac.secrets.secrets()[0].text().expose(), HOOK_SECRET);
}

#[tokio::test]
async fn inbound_integration_shows_only_the_new_signing_secret_and_only_once() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/inbound-integrations?orgId=10", everything()).await;
    assert!(made.text("/signing/secrets/0").starts_with("whsec_"), "{made:?}");
    let path = format!("/inbound-integrations/{}?orgId=10", made.text("/id"));
    let patched = api.patch(&path, json!({"name": "Renamed"})).await;
    let history = format!(
        "/versions/inbound-integrations/{}/{}?orgId=10",
        made.text("/id"),
        patched.json["revision"]
    );
    for answer in [
        made,
        api.get(&path).await,
        patched,
        api.get("/inbound-integrations?orgId=10").await,
        api.get(&history).await,
    ] {
        assert!(answer.status < 300, "{answer:?}");
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        for secret in [HOOK_SECRET, "s3cret", "t0ken"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn inbound_integration_faults_are_all_reported_by_place() {
    let api = Api::start().await;
    api.org(10).await;
    for (fields, places) in [
        (json!({"type": "a/b"}), vec!["/type"]),
        (json!({"type": ""}), vec!["/type"]),
        (json!({"name": " ", "targetUrl": "ftp://x"}), vec!["/name", "/targetUrl"]),
        (json!({"httpMethod": "TRACE"}), vec!["/httpMethod"]),
        (json!({"allowedMethods": []}), vec!["/allowedMethods"]),
        (json!({"allowedMethods": ["GET"], "httpMethod": "POST"}), vec!["/httpMethod"]),
        (
            json!({"inboundAuthType": "API_KEY"}),
            vec!["/inboundAuthConfig/apiKey", "/inboundAuthConfig/headerName"],
        ),
        (
            json!({"inboundAuthType": "API_KEY", "inboundAuthConfig": {"headerName": "X-API-Key", "apiKey": "k"}}),
            vec!["/inboundAuthConfig/headerName"],
        ),
        (json!({"inboundAuthType": "HMAC"}), vec!["/inboundAuthConfig/secrets"]),
        (
            json!({"inboundAuthType": "HMAC", "inboundAuthConfig": {"secrets": ["whsec_short"], "token": "t"}}),
            vec!["/inboundAuthConfig/secrets/0", "/inboundAuthConfig/token"],
        ),
        (
            json!({"inboundAuthType": "BEARER", "inboundAuthConfig": {"token": "********"}}),
            vec!["/inboundAuthConfig/token"],
        ),
        (
            json!({"allowedAddresses": ["203.0.113.0/33", "here"]}),
            vec!["/allowedAddresses/0", "/allowedAddresses/1"],
        ),
        (json!({"timeouts": {"totalMs": 5}}), vec!["/timeouts/totalMs"]),
        (
            json!({"requestTransformScript": "return payload"}),
            vec!["/requestTransformScript"],
        ),
        (
            json!({"responseTransformationMode": "SCRIPT", "responseTransformScript": "return {"}),
            vec!["/responseTransformScript"],
        ),
        (
            json!({"responseTransformationMode": "SCRIPT"}),
            vec!["/responseTransformScript"],
        ),
        (
            json!({"requestFieldMappings": [{"sourceField": "a..b", "targetField": "c"}]}),
            vec!["/requestFieldMappings/0/sourceField"],
        ),
        (json!({"tenantId": 77}), vec!["/tenantId"]),
        (json!({"direction": "OUTBOUND"}), vec!["/direction"]),
        (json!({"targetUrl": "http://127.0.0.2:9/"}), vec!["/targetUrl"]),
        (json!({"maxConcurrency": 0}), vec!["/maxConcurrency"]),
        (json!({"eventType": "order"}), vec!["/eventType"]),
        (json!({"orgId": 20, "revision": 7}), vec!["/orgId"]),
    ] {
        let answer = api
            .post("/inbound-integrations?orgId=10", document_with(fields.clone()))
            .await;
        let mut found = answer.faults();
        found.sort_unstable();
        assert_eq!((answer.status, found), (400, places), "{fields}: {answer:?}");
    }
}

#[tokio::test]
async fn inbound_integration_type_is_unique_within_an_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let first = api.post("/inbound-integrations?orgId=10", minimal_document()).await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = api.post("/inbound-integrations?orgId=10", minimal_document()).await;
    assert_eq!((again.status, again.text("/code")), (409, "CONFLICT".to_owned()), "{again:?}");
    assert!(again.text("/error").contains("type"), "{again:?}");
    assert_eq!(
        api.post("/inbound-integrations?orgId=20", minimal_document()).await.status,
        201
    );
    let second = api
        .post("/inbound-integrations?orgId=10", document_with(json!({"type": "billing"})))
        .await;
    let path = format!("/inbound-integrations/{}?orgId=10", second.text("/id"));
    let stolen = api.patch(&path, json!({"type": "booking"})).await;
    assert_eq!(stolen.status, 409, "{stolen:?}");
    let listed = api.get("/inbound-integrations?orgId=10&type=billing").await;
    assert_eq!(
        (&listed.json["total"], &listed.json["integrations"][0]["id"]),
        (&json!(1), &second.json["id"])
    );
}

#[tokio::test]
async fn inbound_integration_patch_changes_its_fields_and_their_dependents() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/inbound-integrations?orgId=10", everything()).await;
    let path = format!("/inbound-integrations/{}?orgId=10", made.text("/id"));
    let patched = api.patch(&path, json!({"httpMethod": "PUT"})).await;
    assert_eq!(patched.json["allowedMethods"], json!(["PUT"]), "{patched:?}");
    let patched = api.patch(&path, json!({"allowedMethods": ["GET", "HEAD"]})).await;
    assert_eq!(patched.json["httpMethod"], json!("GET"), "{patched:?}");
    let patched = api
        .patch(&path, json!({"inboundAuthType": "NONE", "requestTransformationMode": null}))
        .await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.json.get("inboundAuthConfig"), None);
    assert_eq!(patched.json.get("requestTransformScript"), None);
    let patched = api.patch(&path, json!({"timeouts": {"totalMs": 9000}})).await;
    assert_eq!(patched.json["timeouts"]["totalMs"], json!(9000));
    assert_eq!(patched.json["timeouts"]["connectMs"], json!(1000));
}

#[tokio::test]
async fn inbound_integration_is_disabled_and_enabled_and_refuses_stale_edits() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/inbound-integrations?orgId=10", minimal_document()).await;
    let id = made.text("/id");
    let off = api
        .post(&format!("/inbound-integrations/{id}/disable?orgId=10"), json!({}))
        .await;
    assert_eq!((off.status, &off.json["isActive"]), (200, &json!(false)), "{off:?}");
    assert_eq!(off.text("/hold/cause"), "PAUSED");
    let on = api
        .post(&format!("/inbound-integrations/{id}/enable?orgId=10"), json!({}))
        .await;
    assert_eq!((&on.json["isActive"], on.json.get("hold")), (&json!(true), None));
    let stale = merged(made.json.clone(), json!({"name": "Stale"}));
    let path = format!("/inbound-integrations/{id}?orgId=10");
    let refused = api.put(&path, stale).await;
    assert_eq!(refused.status, 412, "{refused:?}");
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.status, 404);
    let versions = format!("/versions/inbound-integrations/{id}");
    let back = api
        .post(&format!("{versions}/{}/rollback?orgId=10", made.json["revision"]), json!({}))
        .await;
    assert_eq!(back.status, 200, "{back:?}");
    assert_eq!(api.get(&path).await.json["name"], json!("Booking"));
}

#[tokio::test]
async fn integration_is_found_only_under_its_own_kind() {
    let api = Api::start().await;
    api.org(10).await;
    let inbound = api
        .post("/inbound-integrations?orgId=10", minimal_document())
        .await
        .text("/id");
    let outbound = api.integration(10, crate::api::minimal_integration()).await;
    for (kind, id) in [
        ("outbound-integrations", &inbound),
        ("inbound-integrations", &outbound),
        ("scheduled-jobs", &inbound),
    ] {
        let path = format!("/{kind}/{id}?orgId=10");
        assert_eq!(api.get(&path).await.status, 404, "{path}");
        assert_eq!(api.delete(&path).await.status, 404, "{path}");
    }
    for kind in ["outbound-integrations", "inbound-integrations"] {
        assert_eq!(api.get(&format!("/{kind}?orgId=10")).await.json["total"], json!(1), "{kind}");
    }
}
