//! Scheduled jobs: defaults, round trips, validation and secrets.

use serde_json::{Value, json};

use crate::api::{Api, merged};

fn minimal_document() -> Value {
    json!({
        "name": "Export",
        "schedule": {"type": "CRON", "expression": "0 9 * * *"},
        "dataSource": {"type": "SQL", "query": "SELECT * FROM bills WHERE entity_rid = {{config.tenantId}}"},
        "targetUrl": "https://receiver.invalid/bills",
    })
}

fn document_with(fields: Value) -> Value {
    merged(minimal_document(), fields)
}

fn elsewhere() -> Value {
    json!({
        "type": "MONGODB", "connectionString": "mongodb://reader:m0ngo-marker@db.invalid", "database": "his",
        "collection": "visits", "pipeline": [{"$match": {"day": "{{date.yesterday()}}"}}],
    })
}

#[tokio::test]
async fn job_fields_have_defaults_and_a_read_job_can_be_put_back() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/scheduled-jobs?orgId=10", minimal_document()).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (field, value) in [
        ("direction", json!("SCHEDULED")),
        ("tenantId", json!(10)),
        ("isActive", json!(true)),
        ("httpMethod", json!("POST")),
        ("outgoingAuthType", json!("NONE")),
        ("timeoutMs", json!(30_000)),
        ("retryCount", json!(3)),
        ("logLevel", json!("FULL")),
    ] {
        assert_eq!(made.json[field], value, "{field}");
    }
    let path = format!("/scheduled-jobs/{}?orgId=10", made.text("/id"));
    let put = api.put(&path, api.get(&path).await.json).await;
    assert_eq!(put.status, 200, "{put:?}");
    for field in ["schedule", "dataSource", "targetUrl", "createdAt"] {
        assert_eq!(put.json[field], made.json[field], "{field}");
    }
}

#[tokio::test]
async fn job_connection_string_is_stored_encrypted_and_never_shown() {
    let api = Api::start().await;
    api.org(10).await;
    let mut body = document_with(json!({"type": "SYNC", "transformation": {"mode": "SCRIPT", "script": "return payload.data;"}}));
    body["dataSource"] = elsewhere();
    let made = api.post("/scheduled-jobs?orgId=10", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/scheduled-jobs/{}?orgId=10", made.text("/id"));
    // The mask from a read keeps the secret.
    let put = api.put(&path, api.get(&path).await.json).await;
    assert_eq!(put.status, 200, "{put:?}");
    let history = format!(
        "/versions/scheduled-jobs/{}/{}?orgId=10",
        made.text("/id"),
        put.json["revision"]
    );
    for answer in [
        made.clone(),
        put,
        api.get("/scheduled-jobs?orgId=10").await,
        api.get(&history).await,
    ] {
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(answer.status < 300 && !text.contains("m0ngo-marker"), "{text}");
    }
    let jobs = api.store().await.jobs();
    let stored = jobs
        .get(
            ig_core::id::OrgId(10),
            made.text("/id").parse::<ig_core::id::IntegrationId>().unwrap(),
        )
        .await;
    let stored = stored.unwrap().unwrap();
    let ig_core::job::Source::Mongo(source) = stored.source.source() else {
        panic!("{:?}", stored.source)
    };
    assert!(source.connection.as_ref().unwrap().expose().contains("m0ngo-marker"));
}

#[tokio::test]
async fn job_faults_are_reported_by_pointer() {
    let api = Api::start().await;
    api.org(10).await;
    let source = |source: Value| json!({ "dataSource": source });
    for (fields, places) in [
        (json!({"schedule": {"type": "CRON"}}), vec!["/schedule/expression"]),
        (
            json!({"schedule": {"type": "CRON", "expression": "never"}}),
            vec!["/schedule/expression"],
        ),
        (
            json!({"schedule": {"type": "INTERVAL", "intervalMs": 5}}),
            vec!["/schedule/intervalMs"],
        ),
        (json!({"schedule": {"type": "HOURLY"}}), vec!["/schedule/type"]),
        (
            source(json!({"type": "SQL", "query": "DROP TABLE bills"})),
            vec!["/dataSource/query"],
        ),
        (
            source(json!({"type": "SQL", "query": "SELECT {{patient.id}}"})),
            vec!["/dataSource/query"],
        ),
        (source(json!({"type": "SQL"})), vec!["/dataSource/query"]),
        (
            source(
                json!({"type": "MONGODB", "collection": "delivery_logs", "pipeline": [{"$lookup": {"from": "users"}}, {"$out": "users"}]}),
            ),
            vec!["/dataSource/pipeline/0/$lookup", "/dataSource/pipeline/1/$out"],
        ),
        (
            source(json!({"type": "API", "url": "http://127.0.0.2:9/"})),
            vec!["/dataSource/url"],
        ),
        (
            source(json!({"type": "API", "url": "https://{{env.HOST}}/"})),
            vec!["/dataSource/url"],
        ),
        (
            source(json!({"type": "API", "url": "https://a.invalid/", "headers": {"Authorization": "********"}})),
            vec!["/dataSource/headers/Authorization"],
        ),
        (
            json!({"transformation": {"mode": "SCRIPT", "script": "return {"}}),
            vec!["/transformation/script"],
        ),
        (json!({"targetUrl": "nowhere", "httpMethod": "GET"}), vec!["/httpMethod"]),
        (json!({"targetUrl": "nowhere"}), vec!["/targetUrl"]),
        (json!({"tenantId": 77}), vec!["/tenantId"]),
        (json!({"direction": "INBOUND", "name": ""}), vec!["/direction", "/name"]),
    ] {
        let mut body = minimal_document();
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = api.post("/scheduled-jobs?orgId=10", body).await;
        let mut found = answer.faults();
        found.sort_unstable();
        assert_eq!((answer.status, found), (400, places), "{fields}: {answer:?}");
    }
}

#[tokio::test]
async fn changing_the_type_of_a_jobs_schedule_or_source_drops_its_fields() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/scheduled-jobs?orgId=10", minimal_document()).await;
    let path = format!("/scheduled-jobs/{}?orgId=10", made.text("/id"));
    let change = json!({"schedule": {"type": "INTERVAL", "intervalMs": 60_000}, "dataSource": elsewhere()});
    let patched = api.patch(&path, change).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.json["schedule"], json!({"type": "INTERVAL", "intervalMs": 60_000}));
    assert_eq!(patched.json["dataSource"].get("query"), None);
    let patched = api.patch(&path, json!({"schedule": {"intervalMs": 5000}})).await;
    assert_eq!(patched.json["schedule"]["intervalMs"], json!(5000), "{patched:?}");
    let listed = api.get("/scheduled-jobs?orgId=10&isActive=true&search=exp").await;
    assert_eq!(listed.json["total"], json!(1), "{listed:?}");
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.status, 404);
}
