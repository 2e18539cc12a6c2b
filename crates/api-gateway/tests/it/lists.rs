//! Lists of deliveries, decisions and dead letters.

use std::time::Duration;

use bytes::Bytes;
use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::delivery_log::{
    Attempt, BodyExcerpt, DeliveryLog, DeliveryStatus, Direction, EventRef, ExecutionTrace, IntegrationRef, Step, TriggerType,
};
use ig_core::id::{EventId, EventType, OrgId, Rid, SourceId};
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::{Journal as _, JournalEntry};
use ig_testkit::builders::{integration_id, target};
use serde_json::json;

use crate::api::Api;

fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(4_000_000_000 + second, 0).unwrap()
}

fn failed(org: i64, number: i64) -> JournalEntry {
    let (source, event) = (SourceId::new("mysql"), EventId::new(number.to_string()));
    let message_id = MessageId::derive(&source, &event, integration_id(1), 0);
    let id = message_id.log_id(Some(at(number)));
    let integration = IntegrationRef {
        id: integration_id(1),
        name: "Hook".to_owned(),
        action_name: None,
        action_index: 0,
    };
    let event = EventRef {
        source,
        id: event,
        event_type: EventType::new("order"),
        created_at: Some(at(number)),
    };
    let letter = DeadLetter {
        id,
        message_id,
        org_id: OrgId(org),
        entity_rid: Rid(org),
        integration: integration.clone(),
        event: event.clone(),
        position: None,
        direction: Direction::Outbound,
        status: DeadLetterStatus::PendingRetry,
        category: Some(ErrorCategory::ServerError),
        reason: DeadLetterReason::AttemptsExhausted,
        original_payload: Bytes::from_static(b"{\"n\":1}"),
        target: target("https://receiver.invalid/").into(),
        last_error: "answered 500".to_owned(),
        attempt_count: 1,
        max_retries: 3,
        next_retry_at: Some(at(number + 1)),
        trace_id: format!("trace-{number}"),
        created_at: at(number),
    };
    let attempt = Attempt {
        started_at: at(number),
        duration: Duration::from_millis(12),
        response_status: Some(500),
        response_headers: [("server", "x")].into_iter().collect(),
        response_body: Some(BodyExcerpt {
            bytes: Bytes::from_static(b"oops"),
            truncated: true,
        }),
        failure: Some(Failure::new(ErrorCategory::ServerError, "answered 500")),
    };
    let log = DeliveryLog {
        id,
        message_id,
        org_id: OrgId(org),
        integration,
        event,
        direction: Direction::Outbound,
        trigger: TriggerType::Event,
        status: DeliveryStatus::Retrying,
        target: target("https://receiver.invalid/").into(),
        attempts: vec![attempt],
        error: Some((ErrorCategory::ServerError, "answered 500".to_owned())),
        original_payload: Some(Bytes::from_static(b"{\"n\":1}")),
        request_payload: None,
        request_headers: [("content-type", "application/json")].into_iter().collect(),
        signature: None,
        correlation_id: "c".to_owned(),
        trace_id: format!("trace-{number}"),
        created_at: at(number),
        delivered_at: None,
        expires_at: at(1_000_000),
    };
    let step = Step {
        name: "attempt",
        offset: Duration::ZERO,
        duration: Duration::from_micros(946),
        detail: None,
    };
    JournalEntry::Delivery {
        log: Box::new(log),
        trace: ExecutionTrace {
            steps: vec![step],
            console: Vec::new(),
        },
        dead_letter: Some(Box::new(letter)),
    }
}

fn skipped(org: i64, number: i64) -> JournalEntry {
    JournalEntry::Audit(EventAudit {
        source: SourceId::new("mysql"),
        event_id: EventId::new(number.to_string()),
        position: number.unsigned_abs(),
        event_type: Some(EventType::new("order")),
        org_id: Some(OrgId(org)),
        entity_rid: Some(Rid(org)),
        decision: Decision::Skipped(SkipReason::NoMatch),
        matched: Vec::new(),
        detail: None,
        created_at: Some(at(number)),
        decided_at: at(number),
        configuration_revision: 1,
        trace_id: format!("trace-{number}"),
        expires_at: at(1_000_000),
    })
}

#[tokio::test]
async fn list_is_paged_with_the_latest_first() {
    let api = Api::start().await;
    api.org(10).await;
    let entries: Vec<_> = (0..5).map(|number| failed(10, number)).collect();
    api.store().await.journal().record(&entries).await.unwrap();
    for (path, plural) in [("/logs", "logs"), ("/execution-logs", "executionLogs"), ("/dlq", "entries")] {
        let mut seen = Vec::new();
        for (page, count, more) in [(1, 2, true), (2, 2, true), (3, 1, false), (4, 0, false)] {
            let answer = api.get(&format!("{path}?orgId=10&page={page}&limit=2")).await;
            assert_eq!(answer.status, 200, "{path} {answer:?}");
            let items = answer.json[plural].as_array().unwrap();
            assert_eq!(items.len(), count, "{path} {page}");
            seen.extend(items.iter().map(|item| item["eventId"].as_str().unwrap().to_owned()));
            let envelope = (
                &answer.json["total"],
                &answer.json["page"],
                &answer.json["limit"],
                &answer.json["hasMore"],
            );
            assert_eq!(envelope, (&json!(5), &json!(page), &json!(2), &json!(more)), "{path}");
        }
        assert_eq!(seen, ["4", "3", "2", "1", "0"], "{path}");
    }
}

#[tokio::test]
async fn log_details_are_complete_and_visible_only_to_their_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    api.store().await.journal().record(&[failed(10, 7)]).await.unwrap();
    let id = api.get("/logs?orgId=10").await.text("/logs/0/id");
    let log = api.get(&format!("/logs/{id}?orgId=10")).await.json;
    assert_eq!(
        (&log["status"], &log["shouldRetry"], &log["attemptCount"]),
        (&json!("RETRYING"), &json!(true), &json!(1))
    );
    assert_eq!(
        (&log["originalPayload"], &log["responseBody"], &log["responseStatus"]),
        (&json!({"n": 1}), &json!("oops"), &json!(500))
    );
    assert_eq!(
        (&log["attempts"][0]["truncated"], &log["errorCategory"]),
        (&json!(true), &json!("SERVER_ERROR"))
    );
    let trace = api.get(&format!("/execution-logs/{id}?orgId=10")).await.json;
    assert_eq!(
        trace["steps"],
        json!([{"name": "attempt", "offsetMs": 0.0, "durationMs": 0.946}])
    );
    let letter = api.get(&format!("/dlq/{id}?orgId=10")).await.json;
    assert_eq!(
        (&letter["status"], &letter["reason"], &letter["originalPayload"]),
        (&json!("PENDING_RETRY"), &json!("ATTEMPTS_EXHAUSTED"), &json!({"n": 1}))
    );
    for path in ["/logs", "/execution-logs", "/dlq"] {
        assert_eq!(api.get(&format!("{path}/{id}?orgId=20")).await.status, 404, "{path}");
        assert_eq!(api.get(&format!("{path}?orgId=20")).await.json["total"], json!(0), "{path}");
    }
}

#[tokio::test]
async fn list_filters_are_exact_and_periods_half_open() {
    let api = Api::start().await;
    api.org(10).await;
    api.store()
        .await
        .journal()
        .record(&[failed(10, 1), failed(10, 2), skipped(10, 3)])
        .await
        .unwrap();
    let moment = |second| at(second).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    for (query, total) in [
        ("status=RETRYING".to_owned(), 2),
        ("status=SUCCESS".to_owned(), 0),
        ("eventType=order".to_owned(), 2),
        ("eventType=ord".to_owned(), 0),
        ("traceId=trace-1".to_owned(), 1),
        (format!("integrationId={}", integration_id(1)), 2),
        ("search=HOOK".to_owned(), 2),
        (format!("startDate={}", moment(2)), 1),
        (format!("endDate={}", moment(2)), 1),
        ("startDate=2096-10-02&endDate=2096-10-02".to_owned(), 2),
    ] {
        let answer = api.get(&format!("/logs?orgId=10&{query}")).await;
        assert_eq!(answer.json["total"], json!(total), "{query}: {answer:?}");
    }
    let events = api.get("/events?orgId=10&status=SKIPPED&reason=NO_MATCH").await;
    assert_eq!(
        (&events.json["total"], &events.json["events"][0]["eventId"]),
        (&json!(1), &json!("3")),
        "{events:?}"
    );
    assert_eq!(api.get("/events?orgId=10&status=MATCHED").await.json["total"], json!(0));
}

#[tokio::test]
async fn log_export_contains_every_matching_delivery() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let entries: Vec<_> = (0..1_203)
        .map(|number| failed(10, number))
        .chain([failed(20, 5_000)])
        .collect();
    api.store().await.journal().record(&entries).await.unwrap();
    let csv = api.get("/logs/export?orgId=10&status=RETRYING").await;
    assert_eq!(
        (csv.status, &csv.headers["content-disposition"]),
        (200, &http::HeaderValue::from_static("attachment; filename=\"logs.csv\""))
    );
    let text = String::from_utf8(csv.bytes.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 1_203);
    assert!(lines[0].starts_with("id,messageId,createdAt,"), "{}", lines[0]);
    assert!(
        lines[1].contains(",1202,") && lines[1].ends_with("answered 500"),
        "{}",
        lines[1]
    );
    let json = api.get("/logs/export?orgId=10&format=ndjson&eventId=7").await;
    let text = String::from_utf8(json.bytes.to_vec()).unwrap();
    let entries: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 1, "{text}");
    assert_eq!(
        (&entries[0]["eventId"], &entries[0]["status"]),
        (&json!("7"), &json!("RETRYING"))
    );
    assert_eq!(api.get("/logs/export?orgId=10&format=xml").await.status, 400);
    assert!(
        api.get("/logs/export?orgId=10&eventId=none&format=ndjson")
            .await
            .bytes
            .is_empty()
    );
}

#[tokio::test]
async fn unknown_query_parameter_is_refused_by_name() {
    let api = Api::start().await;
    api.org(10).await;
    for (path, unknown) in [
        (
            "/dlq?orgId=10&integrationConfigId=0123456789abcdef01234567",
            vec!["integrationConfigId"],
        ),
        ("/logs?orgId=10&Status=FAILED&limit=5&from=2024-01-01", vec!["Status", "from"]),
        ("/admin/orgs?orgId=10&state=on", vec!["state"]),
        ("/outbound-integrations?orgId=10&isactive=true", vec!["isactive"]),
    ] {
        let refused = api.get(path).await;
        let details = refused.json["details"].as_array().cloned().unwrap_or_default();
        let named: Vec<_> = details.iter().filter_map(|detail| detail["parameter"].as_str()).collect();
        assert_eq!((refused.status, named), (400, unknown), "{path}: {refused:?}");
    }
    let id = "0123456789abcdef01234567";
    let deleted = api.delete(&format!("/dlq/{id}?orgId=10&dryRun=true")).await;
    assert_eq!(deleted.status, 400, "{deleted:?}");
    assert_eq!(
        api.get("/dlq?orgId=10&integrationId=0123456789abcdef01234567").await.status,
        200
    );
}
