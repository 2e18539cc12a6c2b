//! Delivery records that a test writes by itself.

use std::time::Duration;

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::delivery_log::{
    Attempt, DeliveryLog, DeliveryStatus, Direction, EventRef, ExecutionTrace, IntegrationRef, TriggerType,
};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{EventId, EventType, OrgId, Rid, SourceId};
use ig_core::message::MessageId;
use ig_core::outcome::ErrorCategory;
use ig_core::ports::{Journal as _, JournalEntry};
use ig_testkit::builders::{integration_id, target};

use crate::api::Api;

/// A delivery that started at `at`, with one request of `millis` where given.
pub(crate) fn log(org: i64, number: i64, at: Timestamp, status: DeliveryStatus, millis: Option<u64>) -> DeliveryLog {
    let (source, event) = (SourceId::new("mysql"), EventId::new(format!("{org}-{number}")));
    let message_id = MessageId::derive(&source, &event, integration_id(1), 0);
    let attempts = millis.map(|millis| attempt(at, Duration::from_millis(millis)));
    let error = match status {
        DeliveryStatus::Success | DeliveryStatus::Skipped => None,
        _ => Some((ErrorCategory::ServerError, format!("failure {number}"))),
    };
    DeliveryLog {
        id: message_id.log_id(Some(at)),
        message_id,
        org_id: OrgId(org),
        integration: IntegrationRef {
            id: integration_id(1),
            name: "Hook".to_owned(),
            action_name: None,
            action_index: 0,
        },
        event: EventRef {
            source,
            id: event,
            event_type: EventType::new("order"),
            created_at: Some(at),
        },
        direction: Direction::Outbound,
        trigger: TriggerType::Event,
        status,
        target: target("https://receiver.invalid/").into(),
        attempts: attempts.into_iter().collect(),
        error,
        original_payload: None,
        request_payload: None,
        request_headers: HeaderLines::default(),
        signature: None,
        correlation_id: "c".to_owned(),
        trace_id: format!("trace-{number}"),
        created_at: at,
        delivered_at: None,
        expires_at: chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap(),
    }
}

fn attempt(started_at: Timestamp, duration: Duration) -> Attempt {
    Attempt {
        started_at,
        duration,
        response_status: Some(200),
        response_headers: HeaderLines::default(),
        response_body: None,
        failure: None,
    }
}

/// The dead letter of a delivery.
pub(crate) fn letter(log: &DeliveryLog, status: DeadLetterStatus) -> DeadLetter {
    DeadLetter {
        id: log.id,
        message_id: log.message_id,
        org_id: log.org_id,
        entity_rid: Rid(log.org_id.0),
        integration: log.integration.clone(),
        event: log.event.clone(),
        position: None,
        direction: log.direction,
        status,
        category: Some(ErrorCategory::ServerError),
        reason: DeadLetterReason::AttemptsExhausted,
        original_payload: Bytes::from_static(b"{}"),
        target: log.target.clone(),
        last_error: "answered 500".to_owned(),
        attempt_count: 1,
        max_retries: 3,
        next_retry_at: None,
        trace_id: log.trace_id.clone(),
        created_at: log.created_at,
    }
}

/// Stores deliveries, each with its dead letter if it has one.
pub(crate) async fn record(api: &Api, logs: impl IntoIterator<Item = (DeliveryLog, Option<DeadLetter>)>) {
    let entries: Vec<_> = logs
        .into_iter()
        .map(|(log, letter)| JournalEntry::Delivery {
            log: Box::new(log),
            trace: ExecutionTrace::default(),
            dead_letter: letter.map(Box::new),
        })
        .collect();
    api.store().await.journal().record(&entries).await.unwrap();
}
