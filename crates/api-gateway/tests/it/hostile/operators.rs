//! Database operators, patterns and numbers in place of plain values.

use serde_json::json;

use super::raw::serves;
use crate::api::{Api, integration_with, minimal_integration};

#[tokio::test]
async fn numbers_and_paths_out_of_range_get_a_response() {
    let api = Api::start().await;
    for body in [
        json!({"orgId": 0, "name": "a"}),
        json!({"orgId": -5, "name": "a"}),
        json!({"orgId": i64::MAX, "name": "a"}),
        json!({"orgId": 1.5, "name": "a"}),
    ] {
        assert_eq!(api.post("/admin/orgs", body).await.faults(), ["/orgId"]);
    }
    for path in [
        "/admin/orgs/99999999999999999999",
        "/admin/orgs/%ff",
        "/admin/orgs/1/../2",
        "/admin/orgs/%00",
    ] {
        let answer = api.get(path).await;
        assert!(
            [400, 404].contains(&answer.status) && answer.json["requestId"].is_string(),
            "{path} {answer:?}"
        );
    }
}

/// Texts that the database would interpret if they were not taken literally.
const OPERATORS: [&str; 6] = [
    r#"{"$ne":1}"#,
    r#"{"$gt":""}"#,
    r#"{"$where":"sleep(1000)"}"#,
    "$where",
    "[$ne]",
    "a.$[].b",
];

#[tokio::test]
async fn operators_in_paths_match_nothing() {
    let api = Api::start().await;
    api.org(10).await;
    api.integration(10, minimal_integration()).await;
    for operator in OPERATORS {
        let encoded = encoded(operator);
        for path in [
            "/outbound-integrations/{}",
            "/inbound-integrations/{}",
            "/scheduled-jobs/{}",
            "/scheduled-jobs/{}/logs",
            "/scheduled-jobs/{}/next-runs",
            "/scheduled-job-logs/{}",
            "/admin/data-connections/{}",
            "/templates/{}",
            "/lookups/{}",
            "/event-types/{}",
            "/field-schemas/{}",
            "/logs/{}",
            "/execution-logs/{}",
            "/dlq/{}",
            "/dlq/redrives/{}",
            "/scheduled-integrations/{}",
            "/alerts/{}",
            "/lookups/imports/{}",
            "/versions/{}/x",
            "/versions/outbound-integrations/{}",
            "/versions/outbound-integrations/x/{}",
            "/admin/orgs/{}",
            "/admin/users/{}",
            "/admin/api-keys/{}",
            "/admin/audit-logs/{}",
        ] {
            let path = path.replace("{}", &encoded);
            for method in ["GET", "DELETE"] {
                let answer = api
                    .send(api.request(method, &format!("{path}?orgId=10")), axum::body::Body::empty())
                    .await;
                let is_nothing = [400, 404, 405].contains(&answer.status) || (answer.status == 200 && answer.json["total"] == 0);
                assert!(is_nothing, "{method} {path}: {answer:?}");
            }
        }
    }
    assert_eq!(api.get("/outbound-integrations?orgId=10").await.json["total"], 1);
}

#[tokio::test]
async fn operators_in_filters_are_taken_literally() {
    let api = Api::start().await;
    api.org(10).await;
    api.integration(10, minimal_integration()).await;
    let lists = [
        "/outbound-integrations",
        "/inbound-integrations",
        "/templates",
        "/logs",
        "/dlq",
        "/events",
        "/lookups",
    ];
    for operator in OPERATORS {
        for path in lists {
            for name in ["eventType", "search", "type", "eventId", "category"] {
                let answer = api.get(&format!("{path}?orgId=10&{name}={}", encoded(operator))).await;
                assert!([200, 400].contains(&answer.status), "{path} {name} {operator}: {answer:?}");
            }
        }
        for name in ["eventType", "search"] {
            let answer = api
                .get(&format!("/outbound-integrations?orgId=10&{name}={}", encoded(operator)))
                .await;
            assert_eq!(answer.json["total"], 0, "{name} {operator}: {answer:?}");
        }
        for name in ["isActive", "tenantId", "page", "limit"] {
            let answer = api
                .get(&format!("/outbound-integrations?orgId=10&{name}={}", encoded(operator)))
                .await;
            assert_eq!(
                (answer.status, &answer.json["details"][0]["parameter"]),
                (400, &json!(name)),
                "{operator}"
            );
        }
        let answer = api.get(&format!("/outbound-integrations?orgId={}", encoded(operator))).await;
        assert_eq!(answer.status, 400, "{operator}: {answer:?}");
    }
    serves(&api).await;
}

#[tokio::test]
async fn operators_in_bodies_are_refused_as_text() {
    let api = Api::start().await;
    api.org(10).await;
    let operator = json!({"$ne": null});
    for (path, body) in [
        ("/auth/login", json!({"email": operator, "password": operator})),
        ("/admin/orgs", json!({"orgId": operator, "name": "a"})),
        (
            "/admin/users",
            json!({"email": operator, "role": "ADMIN", "password": "long enough a password"}),
        ),
        ("/admin/api-keys", json!({"name": operator, "scopes": ["read"]})),
        (
            "/outbound-integrations?orgId=10",
            integration_with(json!({"eventType": operator})),
        ),
        (
            "/lookups?orgId=10",
            json!({"type": operator, "source": {"id": "1"}, "target": {"id": "2"}}),
        ),
        ("/lookups/resolve?orgId=10", json!({"type": "WARD", "value": operator})),
        ("/lookups/reverse?orgId=10", json!({"type": "WARD", "value": operator})),
        ("/lookups/bulk/delete?orgId=10", json!({"ids": [operator]})),
        ("/dlq/bulk/retry?orgId=10", json!({"ids": [operator]})),
        ("/dlq/redrives?orgId=10", json!({"integrationId": operator})),
        (
            "/events?orgId=10",
            json!({"id": operator, "eventType": "order", "payload": 1}),
        ),
        ("/event-types?orgId=10", json!({"eventType": operator})),
    ] {
        let answer = api.post(path, body).await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (400, &json!("VALIDATION_ERROR")),
            "{path}: {answer:?}"
        );
        assert!(!answer.faults().is_empty(), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn search_pattern_is_taken_literally_and_bounded_in_time() {
    let api = Api::start().await;
    api.org(10).await;
    api.integration(10, integration_with(json!({"name": "a".repeat(200)}))).await;
    api.integration(10, integration_with(json!({"name": "(a+)+$ is a pattern"})))
        .await;
    let total = async |text: &str| {
        let answer = api
            .get(&format!("/outbound-integrations?orgId=10&search={}", encoded(text)))
            .await;
        assert_eq!(answer.status, 200, "{text}: {answer:?}");
        answer.json["total"].clone()
    };
    assert_eq!(total("(a+)+$").await, 1);
    for pattern in [
        "(a|a)*$",
        "(.*a){20}",
        "^(([a-z])+.)+$",
        ".*",
        "[",
        "(?<name>",
        "\\",
        "a{99999}",
    ] {
        assert_eq!(total(pattern).await, 0, "{pattern}");
    }
    assert_eq!(total(&"(a+)+".repeat(2_000)).await, 0);
    serves(&api).await;
}

#[tokio::test]
async fn numbers_beyond_every_range_are_faults() {
    let api = Api::start().await;
    api.org(10).await;
    for number in [
        "-1",
        "0",
        "1.5",
        "1e3",
        "99999999999999999999999",
        "-9223372036854775809",
        "NaN",
        "0x10",
        "",
        " 1",
        "\u{663}",
    ] {
        for name in ["page", "limit"] {
            let answer = api
                .get(&format!("/outbound-integrations?orgId=10&{name}={}", encoded(number)))
                .await;
            assert_eq!(
                (answer.status, &answer.json["details"][0]["parameter"]),
                (400, &json!(name)),
                "{number}: {answer:?}"
            );
        }
        let answer = api.get(&format!("/outbound-integrations?orgId={}", encoded(number))).await;
        assert_eq!(answer.status, 400, "{number}: {answer:?}");
    }
    let last = api.get("/outbound-integrations?orgId=10&page=1000000&limit=500").await;
    assert_eq!((last.status, &last.json["hasMore"]), (200, &json!(false)), "{last:?}");
    for timeout in ["-1", "1e400", "99999999999999999999", "0.1", "9223372036854775808"] {
        let body = minimal_integration()
            .to_string()
            .replacen('{', &format!("{{\"timeoutMs\":{timeout},"), 1);
        let request = api.request("POST", "/outbound-integrations?orgId=10");
        let answer = api
            .send(request.header("content-type", "application/json"), body.into())
            .await;
        assert_eq!(answer.status, 400, "{timeout}: {answer:?}");
    }
}

/// A text, percent-encoded for a path or query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"))
}
