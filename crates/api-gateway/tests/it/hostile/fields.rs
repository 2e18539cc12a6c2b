//! Fields that the caller must not set.

use serde_json::{Value, json};

use crate::api::{Answer, Api, key_for, merged, minimal_integration};
use ig_core::id::OrgId;

/// The body that creates one of every resource in organisation 10, and its path.
fn resources() -> Vec<(&'static str, Value)> {
    vec![
        ("/outbound-integrations", minimal_integration()),
        (
            "/inbound-integrations",
            json!({"name": "a", "type": "a", "targetUrl": "https://receiver.invalid/"}),
        ),
        (
            "/scheduled-jobs",
            json!({
                "name": "a", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
                "dataSource": {"type": "SQL", "query": "SELECT 1"},
            }),
        ),
        (
            "/templates",
            json!({"name": "a", "direction": "OUTBOUND", "definition": {"eventType": "a"}}),
        ),
        ("/event-types", json!({"eventType": "a"})),
        (
            "/lookups",
            json!({"type": "WARD", "source": {"id": "1"}, "target": {"id": "2"}}),
        ),
    ]
}

/// Fields that only the gateway sets, each with a value that an attacker may want.
fn attempted_fields() -> Vec<(&'static str, Value)> {
    vec![
        ("id", json!("0123456789abcdef01234567")),
        ("_id", json!("0123456789abcdef01234567")),
        ("orgId", json!(20)),
        ("org_id", json!(20)),
        ("hold", json!({"cause": "MANUAL", "since": "2000-01-01T00:00:00Z"})),
        ("builtIn", json!(true)),
        ("direction", json!("INBOUND_AND_OUTBOUND")),
        ("createdAt", json!("2000-01-01T00:00:00Z")),
        ("updatedAt", json!("2000-01-01T00:00:00Z")),
        ("createdBy", json!("somebody")),
        ("role", json!("ADMIN")),
        ("scopes", json!(["write"])),
        ("$set", json!({"orgId": 20})),
        ("__proto__", json!({"orgId": 20})),
    ]
}

/// The field is refused at its place, or the created item has another value there.
fn is_not_set(answer: &Answer, field: &str, value: &Value) -> bool {
    let place = format!("/{field}");
    match answer.status {
        400 => answer.faults().iter().any(|fault| fault.starts_with(&place)),
        200 | 201 => answer.json[field] != *value,
        _ => false,
    }
}

#[tokio::test]
async fn gateway_owned_fields_cannot_be_set_by_a_body() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let own = api.with_key(&key_for(&api, OrgId(10)).await);
    for (path, body) in resources() {
        let all = format!("{path}?orgId=10");
        for (field, value) in attempted_fields() {
            let made = own.post(&all, merged(body.clone(), json!({field: value}))).await;
            assert!(is_not_set(&made, field, &value), "{path} {field}: {made:?}");
            if made.status == 201 {
                assert_eq!(own.delete(&one(path, &made)).await.status, 204, "{path} {field}");
            }
        }
        let made = own.post(&all, body.clone()).await;
        let one = one(path, &made);
        for (field, value) in attempted_fields() {
            let wish = json!({field: value});
            for (method, sent) in [("PATCH", wish.clone()), ("PUT", merged(body.clone(), wish))] {
                let answer = own.json(method, &one, sent).await;
                assert!(is_not_set(&answer, field, &value), "{method} {one} {field}: {answer:?}");
            }
        }
        let others = api.get(&format!("{path}?orgId=20")).await.json.to_string();
        assert!(!others.contains("\"orgId\""), "{path}: {others}");
    }
}

/// The path of a created item.
fn one(path: &str, made: &Answer) -> String {
    let id = made.json.get("id").or(made.json.get("eventType")).and_then(Value::as_str);
    let id = id.unwrap_or_else(|| panic!("{path}: {made:?}"));
    format!("{path}/{id}?orgId=10")
}

#[tokio::test]
async fn revision_in_a_body_guards_a_change_and_is_never_stored() {
    let api = Api::start().await;
    api.org(10).await;
    for (path, body) in resources() {
        let revision = 4_000_000_000_000_u64;
        let made = api
            .post(
                &format!("{path}?orgId=10"),
                merged(body.clone(), json!({"revision": revision})),
            )
            .await;
        assert!([201, 400, 412].contains(&made.status), "{path}: {made:?}");
        assert_ne!(made.json["revision"], revision, "{path}: {made:?}");
        let made = if made.status == 201 {
            made
        } else {
            api.post(&format!("{path}?orgId=10"), body.clone()).await
        };
        let one = one(path, &made);
        for answer in [
            api.patch(&one, json!({"revision": revision})).await,
            api.put(&one, merged(body.clone(), json!({"revision": revision}))).await,
        ] {
            assert_eq!(
                (answer.status, &answer.json["code"]),
                (412, &json!("PRECONDITION_FAILED")),
                "{path}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn privileges_cannot_be_raised_by_asking_for_them() {
    let api = Api::start().await;
    api.org(10).await;
    let org = json!({"orgId": 30, "name": "a"});
    for (path, body) in [
        ("/admin/orgs", org),
        ("/admin/orgs/10/units", json!({"rid": 11, "name": "a"})),
        (
            "/admin/users",
            json!({"email": "a@x.example", "role": "USER", "orgId": 10, "password": "long enough a password"}),
        ),
        ("/admin/api-keys", json!({"name": "a", "orgId": 10, "scopes": ["read"]})),
    ] {
        for (field, value) in [
            ("_id", json!(1)),
            ("isAdmin", json!(true)),
            ("passwordHash", json!("x")),
            ("key", json!("mine")),
            ("keyHash", json!("x")),
            ("$set", json!({})),
        ] {
            let answer = api.post(path, merged(body.clone(), json!({field: value}))).await;
            assert_eq!(
                (answer.status, answer.faults()),
                (400, vec![format!("/{field}").as_str()]),
                "{path} {field}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn number_beyond_the_range_of_its_format_is_a_fault_at_its_place() {
    let api = Api::start().await;
    api.org(10).await;
    for (path, body) in resources() {
        for number in [u64::MAX, 9_223_372_036_854_775_808] {
            let answer = api
                .post(&format!("{path}?orgId=10"), merged(body.clone(), json!({"revision": number})))
                .await;
            assert_eq!(
                (answer.status, answer.faults()),
                (400, vec!["/revision"]),
                "{path}: {answer:?}"
            );
        }
    }
}
