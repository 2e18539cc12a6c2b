//! Replacements for records that the database refuses to store, because they are too large or otherwise not valid documents.
//!
//! The payload makes a record large, and other software wrote it. Without it the record can be stored and tells people what
//! happened, so nothing waits for ever for a record that cannot be written.

use std::time::Duration;

use bytes::Bytes;

use crate::dead_letter::{DEFAULT_MAX_RETRIES, DeadLetter, DeadLetterReason, DeadLetterStatus};
use crate::delivery_log::{DeliveryLog, DeliveryStatus, Direction, ExecutionTrace, IntegrationRef, Step, TriggerType};
use crate::header_lines::HeaderLines;
use crate::id::LogId;
use crate::outcome::ErrorCategory;
use crate::ports::JournalEntry;
use crate::scheduled::{CancellationEvent, ScheduledDelivery};

impl JournalEntry {
    /// The entries to record in place of a refused one; empty where nothing could be left out.
    #[must_use]
    pub fn without_payload(&self, refusal: &str) -> Vec<Self> {
        match self {
            Self::Delivery { log, trace, dead_letter } => {
                let letter = dead_letter.as_deref().map(|letter| abandoned_letter(letter, refusal));
                let (mut log, trace) = (without_bodies(log), with_refusal_step(trace, refusal));
                if let Some(letter) = &letter {
                    log.status = DeliveryStatus::Abandoned;
                    let category = letter.category.unwrap_or(ErrorCategory::Config);
                    log.error = Some((category, letter.last_error.clone()));
                }
                vec![Self::Delivery {
                    log: Box::new(log),
                    trace,
                    dead_letter: letter.map(Box::new),
                }]
            }
            Self::Retry { log, trace } => vec![Self::Retry {
                log: Box::new(without_bodies(log)),
                trace: with_refusal_step(trace, refusal),
            }],
            Self::Scheduled(delivery) => vec![abandoned_delivery(delivery, refusal)],
            Self::Cancellation(event) => without_replacement(event, refusal),
            Self::Audit(audit) => vec![Self::Audit(crate::audit::EventAudit {
                detail: None,
                ..audit.clone()
            })],
            Self::Redecided(audit) => vec![Self::Redecided(crate::audit::EventAudit {
                detail: None,
                ..audit.clone()
            })],
            Self::Seen(_) => Vec::new(),
        }
    }
}

fn refusal_message(refusal: &str) -> String {
    let refusal: String = refusal.chars().take(500).collect();
    format!("The database refused to store it with its payload, which is not kept: {refusal}")
}

fn without_bodies(log: &DeliveryLog) -> DeliveryLog {
    let mut log = log.clone();
    log.original_payload = None;
    log.request_payload = None;
    for attempt in &mut log.attempts {
        attempt.response_body = None;
        attempt.response_headers = HeaderLines::default();
    }
    log
}

fn with_refusal_step(trace: &ExecutionTrace, refusal: &str) -> ExecutionTrace {
    let mut steps = trace.steps.clone();
    steps.push(Step {
        name: "store",
        offset: steps.last().map_or(Duration::ZERO, |last| last.offset + last.duration),
        duration: Duration::ZERO,
        detail: Some(refusal_message(refusal)),
    });
    ExecutionTrace {
        steps,
        console: Vec::new(),
    }
}

fn abandoned_letter(letter: &DeadLetter, refusal: &str) -> DeadLetter {
    DeadLetter {
        status: DeadLetterStatus::Abandoned,
        reason: DeadLetterReason::NotStored,
        original_payload: Bytes::new(),
        last_error: format!("{} {}", letter.last_error, refusal_message(refusal)),
        next_retry_at: None,
        ..letter.clone()
    }
}

/// A delivery that cannot be stored until it is due is given up.
fn abandoned_delivery(delivery: &ScheduledDelivery, refusal: &str) -> JournalEntry {
    let (message_id, reason) = (delivery.message_id(0), refusal_message(refusal));
    let log = DeliveryLog {
        id: LogId(delivery.id.0),
        message_id,
        org_id: delivery.org_id,
        integration: IntegrationRef {
            id: delivery.integration,
            name: delivery.integration_name.clone(),
            action_name: None,
            action_index: 0,
        },
        event: delivery.event.clone(),
        direction: Direction::Outbound,
        trigger: TriggerType::Scheduled,
        status: DeliveryStatus::Abandoned,
        target: delivery.target.clone().into(),
        attempts: Vec::new(),
        error: Some((ErrorCategory::Config, reason.clone())),
        original_payload: None,
        request_payload: None,
        request_headers: HeaderLines::default(),
        signature: None,
        correlation_id: delivery.trace_id.clone(),
        trace_id: delivery.trace_id.clone(),
        created_at: delivery.created_at,
        delivered_at: None,
        expires_at: delivery.created_at + delivery.keep_for,
    };
    let letter = DeadLetter {
        id: log.id,
        message_id,
        org_id: log.org_id,
        entity_rid: delivery.entity_rid,
        integration: log.integration.clone(),
        event: log.event.clone(),
        position: Some(delivery.position),
        direction: log.direction,
        status: DeadLetterStatus::Abandoned,
        category: Some(ErrorCategory::Config),
        reason: DeadLetterReason::NotStored,
        original_payload: Bytes::new(),
        target: log.target.clone(),
        last_error: reason,
        attempt_count: 0,
        max_retries: DEFAULT_MAX_RETRIES,
        next_retry_at: None,
        trace_id: log.trace_id.clone(),
        created_at: log.created_at,
    };
    JournalEntry::Delivery {
        log: Box::new(log),
        trace: with_refusal_step(&ExecutionTrace::default(), refusal),
        dead_letter: Some(Box::new(letter)),
    }
}

/// The cancellation stays; the delivery that was to be scheduled instead is given up.
fn without_replacement(event: &CancellationEvent, refusal: &str) -> Vec<JournalEntry> {
    let Some(replacement) = &event.replacement else {
        return Vec::new();
    };
    let cancellation = CancellationEvent {
        replacement: None,
        ..event.clone()
    };
    vec![
        JournalEntry::Cancellation(Box::new(cancellation)),
        abandoned_delivery(replacement, refusal),
    ]
}
