//! Payloads keep the digits of their numbers, and keys that JSON parsers use internally.

use http::Method;
use ig_testkit::mysql::QueueRow;
use serde_json::json;

use crate::setup::{ORG, setup};
use crate::transforming::log_of;

#[tokio::test(flavor = "multi_thread")]
async fn untransformed_numbers_keep_their_digits_from_the_row_to_the_log() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let mapping = json!({"fieldMappings": [{"sourceField": "id", "targetField": "patient"}, {"sourceField": "price", "targetField": "price"}]});
    let script =
        json!({"transformationMode": "SCRIPT", "transformScript": "return { patient: payload.id, price: payload.price };"});
    for (path, more) in [("/as-is", json!({})), ("/mapped", mapping), ("/scripted", script)] {
        api.integration(ORG, "lab", &setup.receiver.url(path), more).await;
    }
    let row = r#"{"id":123456789012345678901234567890,"price":1.10}"#;
    setup.queue.insert(QueueRow::new(ORG, "lab").payload(row)).await;
    setup.receiver.wait_for(3).await;
    let shaped = row.replace("id", "patient");
    for (path, expected) in [("/as-is", row), ("/mapped", &shaped), ("/scripted", &shaped)] {
        let received = setup.receiver.requests_to(path).remove(0).body;
        assert_eq!(String::from_utf8_lossy(&received), expected, "{path}");
        let log = log_of(&setup, path).await;
        assert_eq!(log["originalPayload"].to_string(), row, "{path}");
        if path != "/as-is" {
            assert_eq!(log["requestPayload"].to_string(), expected, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_keys_of_the_json_parser_are_ordinary_keys() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let script = json!({"transformationMode": "SCRIPT", "transformScript": "return payload;"});
    for (path, more) in [("/as-is", json!({})), ("/scripted", script)] {
        api.integration(ORG, "lab", &setup.receiver.url(path), more).await;
    }
    let keys = ["$serde_json::private::Number", "$serde_json::private::RawValue"];
    let rows = keys.map(|key| format!(r#"{{"n":{{"{key}":"[1]"}}}}"#));
    for row in &rows {
        setup.queue.insert(QueueRow::new(ORG, "lab").payload(row.as_str())).await;
    }
    setup.receiver.wait_for(4).await;
    for path in ["/as-is", "/scripted"] {
        let received = setup.receiver.requests_to(path);
        let bodies: Vec<_> = received
            .iter()
            .map(|request| String::from_utf8_lossy(&request.body))
            .collect();
        assert_eq!(bodies, rows, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_validates_numbers_of_any_size() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let number = json!({"type": "number", "multipleOf": 0.01, "minimum": 1, "maximum": 5});
    let schema = json!({"schema": {"type": "object", "properties": {"n": number}}, "validation": "reject"});
    let path = format!("/field-schemas/lab?orgId={ORG}");
    assert!(api.call(Method::PUT, &path, Some(&schema)).await.status.is_success());
    let events = format!("/events?orgId={ORG}");
    for (event, is_right) in [
        (r#"{"eventType":"lab","payload":{"n":1.10}}"#, true),
        (r#"{"eventType":"lab","payload":{"n":1e400}}"#, false),
        (r#"{"eventType":"lab","payload":{"n":-1e400}}"#, false),
        (r#"{"eventType":"lab","payload":{"n":1e-400}}"#, false),
        (r#"{"eventType":"lab","payload":{"n":123456789012345678901234567890}}"#, false),
    ] {
        let pushed = api.call_with("POST", &events, &[], event).await;
        assert_eq!(pushed.status.is_success(), is_right, "{event}: {}", pushed.body);
        assert!(is_right || pushed.status.is_client_error(), "{event}: {}", pushed.body);
    }
}
