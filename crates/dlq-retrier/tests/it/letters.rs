//! Dead letters for tests.

use bytes::Bytes;
use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, Direction, EventRef, ExecutionTrace, IntegrationRef, TriggerType};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{EventId, EventType, LogId, OrgId, Rid, SourceId};
use ig_core::message::MessageId;
use ig_core::outcome::ErrorCategory;
use ig_core::ports::{Journal as _, JournalEntry};
use ig_store::{Store, StoredDeadLetter};
use ig_testkit::builders::{integration_id, target};

/// An abandoned dead letter of event `number`, which is also its id.
pub(crate) fn given_up(org: i64, number: u64) -> DeadLetter {
    let integration = integration_id(1);
    let event = EventRef {
        source: SourceId::new("mysql"),
        id: EventId::new(number.to_string()),
        event_type: EventType::new("order"),
        created_at: Some(Utc::now()),
    };
    DeadLetter {
        id: id(number),
        message_id: MessageId::derive(&event.source, &event.id, integration, 0),
        org_id: OrgId(org),
        entity_rid: Rid(org),
        integration: IntegrationRef {
            id: integration,
            name: "Orders".to_owned(),
            action_name: None,
            action_index: 0,
        },
        event,
        position: None,
        direction: Direction::Outbound,
        status: DeadLetterStatus::Abandoned,
        category: Some(ErrorCategory::ClientError),
        reason: DeadLetterReason::NotRetryable,
        original_payload: Bytes::from_static(b"{}"),
        target: target("https://a.example/hook").into(),
        last_error: "answered 400".to_owned(),
        attempt_count: 1,
        max_retries: 3,
        next_retry_at: None,
        trace_id: "trace".to_owned(),
        created_at: Utc::now(),
    }
}

/// A due dead letter.
pub(crate) fn due(org: i64, number: u64) -> DeadLetter {
    DeadLetter {
        status: DeadLetterStatus::PendingRetry,
        category: Some(ErrorCategory::ServerError),
        reason: DeadLetterReason::AttemptsExhausted,
        next_retry_at: Some(Utc::now()),
        ..given_up(org, number)
    }
}

pub(crate) fn id(number: u64) -> LogId {
    format!("{number:024x}").parse().unwrap()
}

pub(crate) async fn record(store: &Store, letters: impl IntoIterator<Item = DeadLetter>) {
    let entries: Vec<_> = letters.into_iter().map(entry).collect();
    store.journal().record(&entries).await.unwrap();
}

fn entry(letter: DeadLetter) -> JournalEntry {
    let expires_at: Timestamp = letter.created_at + std::time::Duration::from_hours(24);
    let log = DeliveryLog {
        id: letter.id,
        message_id: letter.message_id,
        org_id: letter.org_id,
        integration: letter.integration.clone(),
        event: letter.event.clone(),
        direction: letter.direction,
        trigger: TriggerType::Event,
        status: DeliveryStatus::Retrying,
        target: letter.target.clone(),
        attempts: Vec::new(),
        error: None,
        original_payload: None,
        request_payload: None,
        request_headers: HeaderLines::default(),
        signature: None,
        correlation_id: String::new(),
        trace_id: letter.trace_id.clone(),
        created_at: letter.created_at,
        delivered_at: None,
        expires_at,
    };
    JournalEntry::Delivery {
        log: Box::new(log),
        trace: ExecutionTrace::default(),
        dead_letter: Some(Box::new(letter)),
    }
}

pub(crate) async fn get(store: &Store, org: i64, number: u64) -> StoredDeadLetter {
    let found = store.dead_letters().get(OrgId(org), id(number)).await.unwrap();
    found.expect("a dead letter")
}

pub(crate) async fn status(store: &Store, org: i64, number: u64) -> DeadLetterStatus {
    get(store, org, number).await.letter.status
}
