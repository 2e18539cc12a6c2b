//! Pushed events.

use axum::body::Body;
use serde_json::{Value, json};

use crate::api::{Answer, Api};

async fn push(api: &Api, body: Value) -> Answer {
    api.post("/events?orgId=10", body).await
}

#[tokio::test]
async fn pushed_event_is_accepted_once_and_another_with_its_id_is_refused() {
    let api = Api::start().await;
    api.org(10).await;
    let event = json!({"id": "e-1", "eventType": "order", "payload": {"n": 1}});
    let first = push(&api, event.clone()).await;
    assert_eq!(
        (first.status, &first.json),
        (202, &json!({"id": "e-1", "status": "ACCEPTED"})),
        "{first:?}"
    );
    assert_eq!(push(&api, event).await.json, json!({"id": "e-1", "status": "DUPLICATE"}));
    let other = push(&api, json!({"id": "e-1", "eventType": "order", "payload": {"n": 2}})).await;
    assert_eq!((other.status, &other.json["code"]), (409, &json!("CONFLICT")));
}

#[tokio::test]
async fn idempotency_key_becomes_the_event_id() {
    let api = Api::start().await;
    api.org(10).await;
    for (payload, status) in [("1", 202), ("1", 202), ("2", 409)] {
        let request = api
            .request("POST", "/events?orgId=10")
            .header("content-type", "application/json")
            .header("idempotency-key", "k-1");
        let answer = api
            .send(request, Body::from(format!(r#"{{"eventType":"order","payload":{payload}}}"#)))
            .await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn pushed_batch_reports_a_result_for_each_event() {
    let api = Api::start().await;
    api.org(10).await;
    push(&api, json!({"id": "a", "eventType": "order", "payload": 1})).await;
    let batch = json!([
        {"id": "a", "eventType": "order", "payload": 1},
        {"id": "a", "eventType": "order", "payload": 2},
        {"id": "b", "eventType": "order", "payload": null},
        {"eventType": "order", "payload": []},
    ]);
    let answer = push(&api, batch).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let fates: Vec<_> = answer.json["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["status"].as_str().unwrap())
        .collect();
    assert_eq!(fates, ["DUPLICATE", "CONFLICT", "ACCEPTED", "ACCEPTED"]);
}

#[tokio::test]
async fn invalid_event_refuses_the_whole_batch_with_its_pointer() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    api.unit(20, 21).await;
    let batch = json!([
        {"eventType": "order", "payload": 1},
        {"eventType": "", "payload": 1},
        {"payload": 1, "x": 1},
    ]);
    assert_eq!(push(&api, batch).await.faults(), ["/2/eventType", "/2/x"]);
    let laws = json!([{"id": "", "eventType": " order", "payload": 1}, {"eventType": "order", "payload": 1, "entityRid": -1}]);
    assert_eq!(push(&api, laws).await.faults(), ["/0/eventType", "/0/id", "/1/entityRid"]);
    let stranger = json!([{"eventType": "order", "payload": 1, "entityRid": 21}]);
    assert_eq!(push(&api, stranger).await.faults(), ["/0/entityRid"]);
    let many: Vec<_> = (0..1001).map(|_| json!({"eventType": "order", "payload": 1})).collect();
    assert_eq!(push(&api, json!(many)).await.faults(), [""]);
    assert_eq!(push(&api, json!([])).await.faults(), [""]);
}

#[tokio::test]
async fn queued_payload_is_byte_for_byte_the_pushed_one() {
    use ig_core::ports::PushedEvents as _;
    let api = Api::start().await;
    api.org(10).await;
    let raw = r#"{"z": 1.10,  "a":12345678901234567890123, "é":"\u00e9"}"#;
    let request = api
        .request("POST", "/events?orgId=10")
        .header("content-type", "application/json");
    let answer = api
        .send(request, Body::from(format!(r#"{{"eventType":"order","payload":{raw}}}"#)))
        .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let rows = api.store().await.pushed_events().read_after(0, 10).await.unwrap();
    assert_eq!(rows[0].payload, ig_core::event::RowPayload::Present(raw.into()));
    assert_eq!((rows[0].entity_rid, rows[0].parent_rid), (Some(10), Some(10)));
}
