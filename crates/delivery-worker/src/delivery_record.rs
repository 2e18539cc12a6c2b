//! The protocol of one delivery: what is written down of it, step by step.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DEFAULT_MAX_RETRIES, DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::delivery_log::{Attempt, DeliveryLog, DeliveryStatus, EventRef, ExecutionTrace, IntegrationRef, Step, TriggerType};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{Position, Rid};
use ig_core::integration::{Hold, LogLevel};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use ig_core::redelivery::RetryPolicy;

use crate::executor::Assignment;
use crate::metrics;

/// How a delivery ended.
pub(crate) enum Ending {
    /// The target took it.
    Delivered,
    /// It may succeed later.
    Parked {
        /// What went wrong last.
        failure: Failure,
        /// What the target asked for.
        due_in: Option<Duration>,
    },
    /// It would fail again.
    GivenUp(Failure),
    /// The event could not be had any more.
    Gone(Failure),
    /// Nothing was sent, since the integration's deliveries are held.
    Held(Hold),
    /// Its integration's limit leaves no room before this moment.
    Limited(Timestamp),
    /// Its integration's script is not run before a moment.
    Disabled {
        /// What a tenant reads of it.
        failure: Failure,
        /// That moment.
        until: Timestamp,
    },
    /// Nothing was to be sent, for this reason.
    Skipped(&'static str),
}

/// What happened to one delivery so far.
pub(crate) struct Protocol {
    log: DeliveryLog,
    trace: ExecutionTrace,
    began: Instant,
    payload: Bytes,
    entity_rid: Rid,
    position: Option<Position>,
    log_level: LogLevel,
    /// Why the body of the last answer broke off.
    broken: Option<String>,
}

impl Protocol {
    /// Begins with what is known before anything is done.
    pub(crate) fn begin(assignment: &Assignment<'_>, now: Timestamp) -> Self {
        let (event, message_id, trace_id) = (assignment.event, assignment.message, assignment.trace.trace_id());
        let integration = &assignment.compiled.integration;
        let planned = integration.planned_actions();
        let action = planned[assignment.index];
        Self {
            log: DeliveryLog {
                id: message_id.log_id(event.created_at),
                message_id,
                org_id: event.org_id,
                integration: IntegrationRef {
                    id: integration.id,
                    name: integration.name.clone(),
                    action_name: action.name.map(str::to_owned),
                    action_index: action.index,
                },
                event: EventRef {
                    source: event.source.clone(),
                    id: event.id.clone(),
                    event_type: event.event_type.clone(),
                    created_at: event.created_at,
                },
                direction: assignment.compiled.direction,
                trigger: assignment.trigger,
                status: DeliveryStatus::Success,
                target: action.target.clone().into(),
                attempts: Vec::new(),
                error: None,
                original_payload: None,
                request_payload: None,
                request_headers: HeaderLines::default(),
                signature: None,
                correlation_id: trace_id.to_owned(),
                trace_id: trace_id.to_owned(),
                created_at: now,
                delivered_at: None,
                expires_at: now,
            },
            trace: ExecutionTrace::default(),
            began: Instant::now(),
            payload: event.payload.raw.clone(),
            entity_rid: event.entity_rid,
            // An order has none, and no source begins at zero.
            position: Some(event.position).filter(|position| *position > 0),
            log_level: integration.log_level,
            broken: None,
        }
    }

    /// How many requests were sent.
    pub(crate) fn attempts_made(&self) -> u32 {
        u32::try_from(self.log.attempts.len()).unwrap_or(u32::MAX)
    }

    /// A condition was judged, or could not be.
    pub(crate) fn judged(&mut self, took: Duration, judged: Result<&bool, &Failure>, console: Vec<String>) {
        let detail = judged.map_or_else(|failure| failure.message.clone(), bool::to_string);
        self.trace.console.extend(console);
        self.step("condition", took, detail);
    }

    /// The payload was given its shape, or could not be.
    pub(crate) fn shaped(&mut self, took: Duration, shaped: Result<&Option<Bytes>, &Failure>, console: Vec<String>) {
        let detail = match shaped {
            Ok(Some(body)) => format!("{} bytes", body.len()),
            Ok(None) => "nothing to send".to_owned(),
            Err(failure) => failure.message.clone(),
        };
        if let (Ok(Some(body)), LogLevel::Full) = (shaped, self.log_level)
            && *body != self.payload
        {
            self.log.request_payload = Some(body.clone());
        }
        self.trace.console.extend(console);
        self.step("transform", took, detail);
    }

    /// A request was sent with these headers, credentials masked; the body of its answer may have broken off.
    pub(crate) fn sent(&mut self, headers: HeaderLines, signature: Option<String>, broken: Option<String>) {
        self.broken = broken;
        self.log.request_headers = headers;
        self.log.signature = signature;
    }

    /// A request was sent; says why it failed, if it did.
    pub(crate) fn attempted(&mut self, attempt: Attempt) -> Option<Failure> {
        let failure = attempt.failure.clone();
        let detail = match (&failure, attempt.response_status) {
            (Some(failure), _) => failure.message.clone(),
            (None, Some(status)) => match self.broken.take() {
                Some(broken) => format!("HTTP {status}, and its body broke off: {broken}"),
                None => format!("HTTP {status}"),
            },
            (None, None) => String::new(),
        };
        self.step("attempt", attempt.duration, detail);
        self.log.attempts.push(attempt);
        failure
    }

    fn step(&mut self, name: &'static str, duration: Duration, detail: String) {
        self.trace.steps.push(Step {
            name,
            offset: self.began.elapsed().saturating_sub(duration),
            duration,
            detail: Some(detail),
        });
    }

    /// Ends the delivery: what is to be written down of it.
    ///
    /// Where it is to be tried again, the policy says when for the first time.
    pub(crate) fn conclude(mut self, ending: Ending, now: Timestamp, expires_at: Timestamp, policy: RetryPolicy) -> JournalEntry {
        self.log.expires_at = expires_at;
        let dead_letter = match ending {
            Ending::Delivered => {
                self.log.delivered_at = Some(now);
                None
            }
            Ending::Skipped(reason) => {
                self.log.status = DeliveryStatus::Skipped;
                self.step("skip", Duration::ZERO, reason.to_owned());
                None
            }
            Ending::Parked { failure, .. } | Ending::Disabled { failure, .. } | Ending::GivenUp(failure)
                if self.log.trigger == TriggerType::Manual =>
            {
                // Whoever tries a delivery by hand sees what came of it; nothing is owed to the target.
                self.log.status = DeliveryStatus::Failed;
                self.log.error = Some((failure.category, failure.message));
                None
            }
            Ending::Held(hold) => {
                self.step("hold", Duration::ZERO, hold.reason.clone());
                self.log.status = DeliveryStatus::Retrying;
                let waits = (DeadLetterStatus::PendingRetry, hold.cause.dead_letter_reason());
                Some(self.entry(None, hold.reason, waits, None, now))
            }
            Ending::Limited(until) => {
                let failure = Failure::new(ErrorCategory::RateLimit, "The integration's own limit left no room.");
                self.step("limit", Duration::ZERO, format!("no room before {until}"));
                let (status, waits) = (DeliveryStatus::Retrying, DeadLetterStatus::PendingRetry);
                Some(self.dead_letter(failure, status, waits, DeadLetterReason::RateLimited, Some(until), now))
            }
            Ending::Disabled { failure, until } => {
                let (status, waits) = (DeliveryStatus::Retrying, DeadLetterStatus::PendingRetry);
                Some(self.dead_letter(failure, status, waits, DeadLetterReason::ScriptDisabled, Some(until), now))
            }
            Ending::Parked { failure, due_in } => {
                let reason = due_in.map_or(DeadLetterReason::AttemptsExhausted, |_| DeadLetterReason::RetryAfter);
                let due = now + policy.first_delay(due_in, &mut rand::rng());
                Some(self.dead_letter(
                    failure,
                    DeliveryStatus::Retrying,
                    DeadLetterStatus::PendingRetry,
                    reason,
                    Some(due),
                    now,
                ))
            }
            Ending::GivenUp(failure) => Some(self.abandoned(failure, DeadLetterReason::NotRetryable, now)),
            Ending::Gone(failure) => {
                self.step("lose", Duration::ZERO, failure.message.clone());
                Some(self.abandoned(failure, DeadLetterReason::EventGone, now))
            }
        };
        if self.log_level == LogLevel::Full && !self.payload.is_empty() {
            self.log.original_payload = Some(self.payload);
        }
        metrics::delivered(&self.log);
        JournalEntry::Delivery {
            log: Box::new(self.log),
            trace: self.trace,
            dead_letter: dead_letter.map(Box::new),
        }
    }

    fn abandoned(&mut self, failure: Failure, reason: DeadLetterReason, now: Timestamp) -> DeadLetter {
        let (log_status, status) = (DeliveryStatus::Failed, DeadLetterStatus::Abandoned);
        self.dead_letter(failure, log_status, status, reason, None, now)
    }

    fn dead_letter(
        &mut self,
        failure: Failure,
        log_status: DeliveryStatus,
        status: DeadLetterStatus,
        reason: DeadLetterReason,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> DeadLetter {
        self.log.status = log_status;
        self.log.error = Some((failure.category, failure.message.clone()));
        self.entry(Some(failure.category), failure.message, (status, reason), due, now)
    }

    fn entry(
        &self,
        category: Option<ErrorCategory>,
        last_error: String,
        (status, reason): (DeadLetterStatus, DeadLetterReason),
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> DeadLetter {
        DeadLetter {
            id: self.log.id,
            message_id: self.log.message_id,
            org_id: self.log.org_id,
            entity_rid: self.entity_rid,
            integration: self.log.integration.clone(),
            event: self.log.event.clone(),
            position: self.position,
            direction: self.log.direction,
            status,
            category,
            reason,
            original_payload: self.payload.clone(),
            target: self.log.target.clone(),
            last_error,
            attempt_count: self.attempts_made(),
            max_retries: DEFAULT_MAX_RETRIES,
            next_retry_at: due,
            trace_id: self.log.trace_id.clone(),
            created_at: now,
        }
    }
}
