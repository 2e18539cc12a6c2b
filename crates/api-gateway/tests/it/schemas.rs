//! Schemas of event types: their fields, and the validation of payloads.

use axum::body::Body;
use serde_json::{Value, json};

use crate::api::Api;

async fn fresh() -> Api {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    api
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "lines": {"type": "array", "items": {"properties": {"sku": {"pattern": "^[A-Z]+$"}}}}},
    })
}

async fn defined(api: &Api, validation: &str) {
    let put = api
        .put(
            "/field-schemas/order?orgId=10",
            json!({"schema": schema(), "validation": validation}),
        )
        .await;
    assert_eq!(put.status, 200, "{put:?}");
}

#[tokio::test]
async fn payload_violating_its_schema_is_rejected_with_every_fault_or_accepted_with_a_warning() {
    let api = fresh().await;
    let wrong = json!({"id": "x", "lines": [{"sku": "A"}, {"sku": "secret"}]});
    let event = |payload: &Value| json!({"eventType": "order", "payload": payload});
    defined(&api, "reject").await;
    ig_testkit::eventually("a refusal", async || {
        api.post("/events?orgId=10", event(&wrong)).await.status == 400
    })
    .await;
    let refused = api.post("/events?orgId=10", event(&wrong)).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (400, vec!["/payload/id", "/payload/lines/1/sku"]),
        "{refused:?}"
    );
    assert!(!refused.json.to_string().contains("secret"));
    let batch = json!([event(&json!({"id": 1})), event(&json!({})), {"eventType": "other", "payload": wrong}]);
    assert_eq!(api.post("/events?orgId=10", batch).await.faults(), ["/1/payload/id"]);
    assert_eq!(api.post("/events?orgId=10", event(&json!({"id": 1}))).await.status, 202);
    assert_eq!(
        api.post("/events?orgId=20", event(&wrong)).await.status,
        202,
        "another organisation's schema is its own"
    );
    defined(&api, "warn").await;
    ig_testkit::eventually("a warning", async || {
        let warned = api.post("/events?orgId=10", event(&wrong)).await;
        warned.status == 202 && warned.json["warnings"].as_array().is_some_and(|warnings| warnings.len() == 2)
    })
    .await;
    defined(&api, "off").await;
    ig_testkit::eventually("no warning", async || {
        let taken = api.post("/events?orgId=10", event(&wrong)).await;
        taken.status == 202 && taken.json["warnings"].is_null()
    })
    .await;
}

#[tokio::test]
async fn schema_that_is_invalid_or_too_costly_is_refused_on_save() {
    let api = fresh().await;
    let table = [
        (json!({"schema": {"type": "strng"}}), "/schema/type"),
        (json!({"schema": {"$ref": "https://example.com/a.json"}}), "/schema/$ref"),
        (
            json!({"schema": {"properties": {"a": {"$ref": "#"}}}}),
            "/schema/properties/a/$ref",
        ),
        (json!({"schema": {"pattern": "(?=a)(?<!b)c"}}), "/schema/pattern"),
        (json!({"schema": {"description": "x".repeat(70_000)}}), "/schema"),
        (json!({"validation": "reject"}), "/validation"),
        (json!({"validation": "maybe"}), "/validation"),
    ];
    for (change, place) in table {
        let mut body = json!({"eventType": "order"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = api.post("/event-types?orgId=10", body).await;
        assert_eq!((answer.status, answer.faults()), (400, vec![place]), "{answer:?}");
    }
    assert_eq!(api.put("/field-schemas/order?orgId=10", json!({})).await.faults(), [""]);
    assert_eq!(
        api.put("/field-schemas/%20order?orgId=10", json!({"schema": {}}))
            .await
            .status,
        400
    );
    assert_eq!(api.get("/field-schemas/order?orgId=10").await.status, 404);
}

#[tokio::test]
async fn field_list_comes_from_the_schema_or_else_the_sample() {
    let api = fresh().await;
    let sample = json!({"samplePayload": {"id": 1, "lines": [{"sku": "A"}]}});
    let put = api.put("/field-schemas/order?orgId=10", sample.clone()).await;
    assert_eq!((put.status, &put.json["origin"]), (200, &json!("SAMPLE")), "{put:?}");
    let paths = |json: &Value| {
        let fields = json["fields"].as_array().unwrap().iter();
        fields
            .map(|field| field["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&put.json), ["id", "lines", "lines[].sku"]);
    let both = json!({"samplePayload": {"id": 1}, "schema": schema(), "validation": "warn"});
    let put = api.put("/field-schemas/order?orgId=10", both).await;
    assert_eq!(
        (&put.json["origin"], &put.json["fields"][0]["required"]),
        (&json!("SCHEMA"), &json!(true))
    );
    let definition = api.get("/event-types/order?orgId=10").await.json;
    assert_eq!(
        (&definition["validation"], &definition["schema"]),
        (&json!("warn"), &schema())
    );
    let stale = api
        .request("PUT", "/field-schemas/order?orgId=10")
        .header("if-match", "\"1\"")
        .header("content-type", "application/json");
    assert_eq!(api.send(stale, Body::from(sample.to_string())).await.status, 412);
    assert_eq!(api.get("/field-schemas?orgId=10").await.json["total"], json!(1));
    assert_eq!(api.delete("/field-schemas/order?orgId=10").await.status, 204);
    let left = api.get("/field-schemas/order?orgId=10").await.json;
    assert_eq!((&left["origin"], &left["validation"]), (&json!("SAMPLE"), &json!("off")));
    for method in ["GET", "PUT", "DELETE"] {
        let answer = api.json(method, "/field-schemas/order?orgId=20", json!({})).await;
        assert!([400, 404].contains(&answer.status), "{method} {answer:?}");
    }
}
