//! Deliveries to record.

use std::time::Duration;

use crate::stored::moment;
use bytes::Bytes;
use ig_core::audit::{Decision, EventAudit};
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dedup::{DedupKey, SeenEvent};
use ig_core::delivery_log::{
    Attempt, BodyExcerpt, DeliveryLog, DeliveryStatus, Direction, EventRef, ExecutionTrace, IntegrationRef, Step, TriggerType,
};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{EventId, EventType, IntegrationId, OrgId, Rid, SourceId};
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use ig_testkit::builders;

/// A delivery that succeeded at the second attempt, of event `number` of an organisation.
pub(crate) fn delivery(org: i64, number: i64) -> DeliveryLog {
    let event = EventRef {
        source: SourceId::new("mysql"),
        id: EventId::new(format!("{org}-{number}")),
        event_type: EventType::new("order"),
        created_at: Some(moment(number)),
    };
    let integration = builders::integration_id(1);
    let message_id = MessageId::derive(&event.source, &event.id, integration, 0);
    DeliveryLog {
        id: message_id.log_id(event.created_at),
        message_id,
        org_id: OrgId(org),
        integration: IntegrationRef {
            id: integration,
            name: "Orders (new)".to_owned(),
            action_name: Some("first".to_owned()),
            action_index: 0,
        },
        event,
        direction: Direction::Outbound,
        trigger: TriggerType::Event,
        status: DeliveryStatus::Success,
        target: builders::target("https://a.example/hook").into(),
        attempts: vec![failed_attempt(number), good_attempt(number)],
        error: None,
        original_payload: Some(Bytes::from_static(br#"{"$a.b": 1.0, "big": 18446744073709551615}"#)),
        request_payload: Some(Bytes::from_static(b"\xff not text")),
        request_headers: [("X-A", "1"), ("X-A", "2")].into_iter().collect(),
        signature: Some("v1,abc".to_owned()),
        correlation_id: format!("correlation-{number}"),
        trace_id: format!("trace-{number}"),
        created_at: moment(number),
        delivered_at: Some(moment(number)),
        expires_at: moment(number) + Duration::from_hours(90 * 24),
    }
}

fn failed_attempt(number: i64) -> Attempt {
    Attempt {
        started_at: moment(number),
        duration: Duration::from_micros(1_234),
        response_status: Some(503),
        response_headers: [("retry-after", "1")].into_iter().collect(),
        response_body: Some(BodyExcerpt {
            bytes: Bytes::from_static(b"away"),
            truncated: true,
        }),
        failure: Some(Failure {
            category: ErrorCategory::ServerError,
            message: "it answered 503".to_owned(),
            retry_after: Some(Duration::from_secs(1)),
        }),
    }
}

fn good_attempt(number: i64) -> Attempt {
    Attempt {
        started_at: moment(number),
        duration: Duration::from_micros(5_678),
        response_status: Some(200),
        response_headers: HeaderLines::default(),
        response_body: None,
        failure: None,
    }
}

/// The same delivery, failed.
pub(crate) fn failure(org: i64, number: i64) -> DeliveryLog {
    DeliveryLog {
        status: DeliveryStatus::Retrying,
        error: Some((ErrorCategory::ServerError, "it answered 503 (twice)".to_owned())),
        delivered_at: None,
        ..delivery(org, number)
    }
}

pub(crate) fn trace() -> ExecutionTrace {
    let step = Step {
        name: "attempt",
        offset: Duration::from_micros(15),
        duration: Duration::from_micros(1_234),
        detail: Some("503".to_owned()),
    };
    ExecutionTrace {
        steps: vec![step],
        console: vec!["a line".to_owned()],
    }
}

pub(crate) fn dead_letter(log: &DeliveryLog) -> DeadLetter {
    DeadLetter {
        id: log.id,
        message_id: log.message_id,
        org_id: log.org_id,
        entity_rid: Rid(70),
        integration: log.integration.clone(),
        event: log.event.clone(),
        position: None,
        direction: log.direction,
        status: DeadLetterStatus::PendingRetry,
        category: Some(ErrorCategory::ServerError),
        reason: DeadLetterReason::AttemptsExhausted,
        original_payload: Bytes::from_static(br#"{"id":1}"#),
        target: log.target.clone(),
        last_error: "it answered 503".to_owned(),
        attempt_count: 3,
        max_retries: 3,
        next_retry_at: Some(moment(60)),
        trace_id: log.trace_id.clone(),
        created_at: log.created_at,
    }
}

pub(crate) fn audit(org: Option<i64>, number: i64, decision: Decision) -> EventAudit {
    EventAudit {
        source: SourceId::new("mysql"),
        event_id: EventId::new(number.to_string()),
        position: u64::try_from(number).unwrap(),
        event_type: Some(EventType::new("order")),
        org_id: org.map(OrgId),
        entity_rid: Some(Rid(70)),
        decision,
        matched: vec![IntegrationId([3; 12])],
        detail: None,
        created_at: Some(moment(number)),
        decided_at: moment(number),
        configuration_revision: 5,
        trace_id: format!("trace-{number}"),
        expires_at: moment(number) + Duration::from_hours(24),
    }
}

pub(crate) fn seen(key: u8, second: i64) -> SeenEvent {
    SeenEvent {
        key: DedupKey([key; 16]),
        source: SourceId::new("mysql"),
        position: u64::from(key),
        at: moment(second),
        happened_at: moment(second),
    }
}

pub(crate) fn recorded(log: DeliveryLog) -> JournalEntry {
    let dead_letter = (log.status == DeliveryStatus::Retrying).then(|| Box::new(dead_letter(&log)));
    JournalEntry::Delivery {
        log: Box::new(log),
        trace: trace(),
        dead_letter,
    }
}
