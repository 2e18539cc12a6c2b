//! Invalid text, and characters that end texts.

use serde_json::json;

use super::raw::{exchange, head, is_in_shape, serves, status};
use crate::api::{Api, integration_with, minimal_integration};

#[tokio::test]
async fn invalid_utf_8_is_refused_everywhere() {
    let api = Api::start().await;
    api.org(10).await;
    let close = "connection: close\r\n";
    for path in [
        "/outbound-integrations/%ff%fe?orgId=10",
        "/event-types/%c3%28?orgId=10",
        "/versions/%ff/%ff?orgId=10",
        "/admin/orgs/%80",
    ] {
        let answer = exchange(&api, head("GET", path, close).as_bytes()).await;
        assert!(matches!(status(&answer), Some(400 | 404)) && is_in_shape(&answer), "{path}");
    }
    // A query searches for invalid text as it is, and finds nothing.
    let answer = api.get("/outbound-integrations?orgId=10&search=%ff%fe").await;
    assert!([200, 400].contains(&answer.status), "{answer:?}");
    for name in [
        "x-api-key",
        "authorization",
        "if-match",
        "x-request-id",
        "idempotency-key",
        "content-type",
    ] {
        let mut bytes = format!("PUT /api/v1/ui-config?orgId=10 HTTP/1.1\r\nhost: x\r\n{close}{name}: ").into_bytes();
        bytes.extend(b"\xff\xfe\x80\r\ncontent-length: 2\r\n\r\n{}");
        let answer = exchange(&api, &bytes).await;
        assert!(
            matches!(status(&answer), Some(400 | 401 | 415)) && is_in_shape(&answer),
            "{name}"
        );
    }
    let body = b"{\"eventType\":\"order\",\"payload\":\"\xff\xfe\xff\xfe\"}";
    let length = body.len();
    let mut bytes = head("POST", "/events?orgId=10", &format!("content-length: {length}\r\n{close}")).into_bytes();
    bytes.extend(body);
    let answer = exchange(&api, &bytes).await;
    assert!(
        status(&answer) == Some(400) && is_in_shape(&answer),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    serves(&api).await;
}

#[tokio::test]
async fn raw_byte_in_a_path_gets_a_response() {
    let api = Api::start().await;
    let mut bytes = b"GET /api/v1/event-types/\xff\xfe?orgId=10 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec();
    let answer = exchange(&api, &bytes).await;
    assert!(
        matches!(status(&answer), Some(400..500)),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    bytes[4] = 0;
    let answer = exchange(&api, &bytes).await;
    assert!(matches!(status(&answer), Some(400)), "{}", String::from_utf8_lossy(&answer));
    serves(&api).await;
}

#[tokio::test]
async fn nul_in_a_path_finds_nothing_and_breaks_nothing() {
    let api = Api::start().await;
    api.org(10).await;
    api.integration(10, minimal_integration()).await;
    for path in [
        "/outbound-integrations",
        "/inbound-integrations",
        "/scheduled-jobs",
        "/templates",
        "/lookups",
        "/lookups/export",
        "/event-types",
        "/field-schemas",
        "/logs",
        "/logs/export",
        "/execution-logs",
        "/dlq",
        "/scheduled-integrations",
        "/events",
        "/admin/orgs",
        "/admin/orgs/10/units",
        "/admin/users",
        "/admin/api-keys",
        "/admin/rate-limits",
        "/analytics/summary",
    ] {
        for name in ["search", "eventType", "type", "eventId", "messageId", "category", "timezone"] {
            let answer = api.get(&format!("{path}?orgId=10&{name}=a%00b")).await;
            assert!([200, 400].contains(&answer.status), "{path} {name}: {answer:?}");
        }
    }
    for path in [
        "/event-types/a%00b",
        "/field-schemas/a%00b",
        "/alerts/a%00b",
        "/templates/a%00b",
        "/versions/event-types/a%00b",
    ] {
        for method in ["GET", "DELETE"] {
            let answer = api
                .send(api.request(method, &format!("{path}?orgId=10")), axum::body::Body::empty())
                .await;
            assert!([200, 400, 404, 405].contains(&answer.status), "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn key_that_no_document_can_have_is_refused_or_stored_unchanged() {
    let api = Api::start().await;
    api.org(10).await;
    for key in ["a\0b", "\0", "$set", "$where", "a.b", ".", "", "__proto__", "_id"] {
        let object = json!({key: {key: 1}});
        for (method, path, body) in [
            ("PUT", "/ui-config?orgId=10", object.clone()),
            (
                "POST",
                "/event-types?orgId=10",
                json!({"eventType": format!("t{}", key.len()), "samplePayload": object}),
            ),
            ("POST", "/events?orgId=10", json!({"eventType": "order", "payload": object})),
            (
                "POST",
                "/templates?orgId=10",
                json!({"name": "a", "direction": "OUTBOUND", "definition": {"customHeaders": {key: "1"}}}),
            ),
            (
                "POST",
                "/lookups?orgId=10",
                json!({"type": "WARD", "source": {"id": key, key: "1"}, "target": {"id": "2", key: "x"}}),
            ),
            (
                "POST",
                "/outbound-integrations?orgId=10",
                integration_with(json!({"customHeaders": {key: "1"}})),
            ),
            (
                "POST",
                "/outbound-integrations?orgId=10",
                integration_with(json!({"staticFields": [{"key": "a", "value": object}]})),
            ),
            (
                "PUT",
                "/field-schemas/order?orgId=10",
                json!({"schema": {"properties": object}}),
            ),
        ] {
            let answer = api.json(method, path, body).await;
            let is_told = [200, 201, 202].contains(&answer.status) || (answer.status == 400 && !answer.faults().is_empty());
            // An earlier key already created this type or source.
            assert!(is_told || answer.status == 409, "{method} {path} with {key:?}: {answer:?}");
        }
    }
    serves(&api).await;
}
