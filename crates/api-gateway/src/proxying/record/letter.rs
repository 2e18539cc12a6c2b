//! What a failed call leaves: a dead letter if its body was buffered, and the status of its log.

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DEFAULT_MAX_RETRIES, DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, Destination};
use ig_core::id::Rid;
use ig_core::integration::TargetUrl;
use ig_core::outcome::{ErrorCategory, Failure};
use serde::de::IgnoredAny;

use crate::proxying::outcome::CallOutcome;

/// The data for a call's dead letter.
#[derive(Debug)]
pub(in crate::proxying) struct DeadLetterDraft {
    /// The request body as received.
    pub(in crate::proxying) body: Bytes,
    /// The target address, including the client's query.
    pub(in crate::proxying) address: TargetUrl,
    /// The entity that the integration acts for.
    pub(in crate::proxying) entity: Rid,
    /// Whether it may be retried automatically: the method is idempotent, or the client sent an idempotency key.
    pub(in crate::proxying) is_repeatable: bool,
    /// The organisation's retry policy.
    pub(in crate::proxying) policy: RetryPolicy,
}

/// The state of a new dead letter, and when it is due.
struct LetterState {
    category: ErrorCategory,
    message: String,
    reason: DeadLetterReason,
    due: Option<Timestamp>,
}

impl DeadLetterDraft {
    /// The dead letter for this outcome, if there is one. A body that is not JSON leaves none.
    pub(super) fn into_dead_letter(self, outcome: &CallOutcome, log: &DeliveryLog, now: Timestamp) -> Option<Box<DeadLetter>> {
        let state = letter_state(outcome, self.policy, now)?;
        serde_json::from_slice::<IgnoredAny>(&self.body).ok()?;
        let due = state.due.filter(|_| self.is_repeatable);
        let status = due.map_or(DeadLetterStatus::Abandoned, |_| DeadLetterStatus::PendingRetry);
        Some(Box::new(DeadLetter {
            id: log.id,
            message_id: log.message_id,
            org_id: log.org_id,
            entity_rid: self.entity,
            integration: log.integration.clone(),
            event: log.event.clone(),
            position: None,
            direction: log.direction,
            status,
            category: Some(state.category),
            reason: state.reason,
            original_payload: self.body,
            target: Destination {
                url: self.address,
                method: log.target.method,
            },
            last_error: state.message,
            attempt_count: u32::try_from(log.attempts.len()).unwrap_or(u32::MAX),
            max_retries: DEFAULT_MAX_RETRIES,
            next_retry_at: due,
            trace_id: log.trace_id.clone(),
            created_at: now,
        }))
    }
}

fn letter_state(outcome: &CallOutcome, policy: RetryPolicy, now: Timestamp) -> Option<LetterState> {
    match outcome {
        CallOutcome::Failed(failure) if failure.category.retryable() => Some(LetterState {
            category: failure.category,
            message: failure.message.clone(),
            reason: failure
                .retry_after
                .map_or(DeadLetterReason::AttemptsExhausted, |_| DeadLetterReason::RetryAfter),
            due: Some(now + policy.first_delay(failure.retry_after, &mut rand::rng())),
        }),
        CallOutcome::Failed(failure) => Some(LetterState {
            category: failure.category,
            message: failure.message.clone(),
            reason: DeadLetterReason::NotRetryable,
            due: None,
        }),
        CallOutcome::Limited(until) => Some(LetterState {
            category: ErrorCategory::RateLimit,
            message: LIMITED_MESSAGE.to_owned(),
            reason: DeadLetterReason::RateLimited,
            due: Some(*until),
        }),
        CallOutcome::Answered
        | CallOutcome::RefusedByTarget(_)
        | CallOutcome::Refused(_)
        | CallOutcome::Interrupted(_)
        | CallOutcome::Skipped
        | CallOutcome::ClientDisconnected => None,
    }
}

const LIMITED_MESSAGE: &str = "The integration's own limit left no room.";

/// The final status of the log; RETRYING where a dead letter is due.
pub(super) fn final_status(
    outcome: CallOutcome,
    letter: Option<&DeadLetter>,
) -> (DeliveryStatus, Option<(ErrorCategory, String)>) {
    let failed = |Failure { category, message, .. }| (DeliveryStatus::Failed, Some((category, message)));
    let retried = letter.is_some_and(|letter| letter.status == DeadLetterStatus::PendingRetry);
    let (status, error) = match outcome {
        CallOutcome::Answered => (DeliveryStatus::Success, None),
        CallOutcome::Skipped => (DeliveryStatus::Skipped, None),
        CallOutcome::RefusedByTarget(status) => failed(Failure::new(
            ErrorCategory::ClientError,
            format!("The target answered {status}; its answer was passed on."),
        )),
        CallOutcome::Failed(failure) | CallOutcome::Refused(failure) | CallOutcome::Interrupted(failure) => failed(failure),
        CallOutcome::Limited(_) => failed(Failure::new(ErrorCategory::RateLimit, LIMITED_MESSAGE)),
        CallOutcome::ClientDisconnected => failed(Failure::new(
            ErrorCategory::ClientError,
            "The client left before it was answered in full.",
        )),
    };
    (if retried { DeliveryStatus::Retrying } else { status }, error)
}
