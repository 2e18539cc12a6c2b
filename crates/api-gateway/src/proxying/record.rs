//! The record of one call, which logs it however it ends.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Uri};
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{
    Attempt, BodyExcerpt, DeliveryLog, DeliveryStatus, Destination, Direction, EventRef, ExecutionTrace, IntegrationRef, Step,
    TriggerType,
};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{EventId, SourceId};
use ig_core::inbound::ProxyMethod;
use ig_core::integration::LogLevel;
use ig_core::message::MessageId;
use ig_core::ports::JournalEntry;
use ig_delivery::{ProxiedCall, Upload, masked_headers};
use ig_service::TraceContext;

use super::metrics;
use super::outcome::CallOutcome;
use super::recording::{LogPermit, Recording};
use super::routes::Route;

mod letter;

pub(super) use letter::DeadLetterDraft;

/// How much of a body is kept for the log.
pub(super) const MAX_LOGGED_BODY: usize = 64 * 1024;
/// The event source under which calls are logged.
const SOURCE: &str = "inbound";

/// The identity of a call.
#[derive(Debug, Clone)]
pub(super) struct CallIdentity {
    /// The message's identifier.
    pub(super) message: MessageId,
    /// The call's event identifier, which only the gateway generates.
    pub(super) event: EventId,
    /// The request identifier that the client reads.
    pub(super) request_id: String,
    /// The trace context.
    pub(super) trace: TraceContext,
    /// When the call arrived.
    pub(super) received_at: Timestamp,
}

impl CallIdentity {
    /// The identity of a call that arrives now.
    pub(super) fn new(route: &Route, request_id: String, trace: TraceContext, now: Timestamp) -> Self {
        let event = EventId::new(format!("call_{:032x}", rand::random::<u128>()));
        Self {
            message: MessageId::derive(&SourceId::new(SOURCE), &event, route.integration.id, 0),
            event,
            request_id,
            trace,
            received_at: now,
        }
    }
}

/// The record of one call. Dropping an open record logs that the client disconnected.
#[derive(Debug)]
pub(super) struct CallRecord {
    recording: Recording,
    started: Instant,
    /// The log so far; `None` where no log is kept.
    draft: Option<Box<LogDraft>>,
    is_open: bool,
}

#[derive(Debug)]
struct LogDraft {
    log: DeliveryLog,
    trace: ExecutionTrace,
    level: LogLevel,
    upload: Option<Upload>,
    letter: Option<DeadLetterDraft>,
    permit: LogPermit,
}

impl CallRecord {
    /// Begins the record of a call; without capacity for a log, none is kept.
    pub(super) fn begin(
        recording: &Recording,
        route: &Route,
        method: ProxyMethod,
        identity: &CallIdentity,
        permit: Option<(LogPermit, Duration)>,
    ) -> Self {
        metrics::call_started();
        let draft = permit.zip(route.integration.log_level).map(|((permit, retention), level)| {
            Box::new(LogDraft {
                log: new_log(route, method, identity, retention),
                trace: ExecutionTrace::default(),
                level,
                upload: None,
                letter: None,
                permit,
            })
        });
        Self {
            recording: recording.clone(),
            started: Instant::now(),
            draft,
            is_open: true,
        }
    }

    /// Whether a log is kept at all.
    pub(super) fn is_logged(&self) -> bool {
        self.draft.is_some()
    }

    /// How much of a body is kept.
    pub(super) fn capture_limit(&self, max_bytes: usize) -> usize {
        if self.is_body_logged() { max_bytes } else { 0 }
    }

    fn is_body_logged(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.level == LogLevel::Full)
    }

    /// Records the request body as received.
    pub(super) fn record_received_body(&mut self, upload: &Upload) {
        if let Some(draft) = self.draft.as_mut().filter(|draft| draft.level == LogLevel::Full) {
            draft.upload = Some(upload.clone());
        }
    }

    /// Records what becomes a dead letter if the call fails.
    pub(super) fn set_dead_letter(&mut self, letter: DeadLetterDraft) {
        if let Some(draft) = &mut self.draft {
            draft.letter = Some(letter);
        }
    }

    /// Records a transformation or its failure.
    pub(super) fn record_transformation(&mut self, name: &'static str, took: Duration, detail: String, console: Vec<String>) {
        if let Some(draft) = &mut self.draft {
            draft.trace.console.extend(console);
        }
        self.record_step(name, took, detail);
    }

    /// Records the transformed request body.
    pub(super) fn record_sent_body(&mut self, body: &Bytes) {
        if let Some(draft) = self.draft.as_mut().filter(|draft| draft.level == LogLevel::Full) {
            draft.log.request_payload = Some(body.clone());
        }
    }

    /// Records the target address.
    pub(super) fn set_target(&mut self, address: &Uri) {
        if let Some(draft) = self.draft.as_mut().filter(|draft| draft.log.target.url.uri() != address)
            && let Some(url) = logged_address(address, draft.level)
        {
            draft.log.target.url = url;
        }
    }

    /// Records the headers of a call that is not forwarded.
    pub(super) fn record_unsent_headers(&mut self, headers: &HeaderMap) {
        if let Some(draft) = &mut self.draft {
            draft.log.request_headers = masked_headers(headers);
        }
    }

    /// Records the request that is about to be forwarded.
    pub(super) fn record_forwarded_request(&mut self, call: &ProxiedCall) {
        let Some(draft) = &mut self.draft else { return };
        draft.log.request_headers = call.masked_headers();
        draft.log.signature = call.signature().map(str::to_owned);
    }

    /// Records an attempt.
    pub(super) fn record_attempt(&mut self, attempt: Attempt) {
        if self.draft.is_none() {
            return;
        }
        let detail = match (&attempt.failure, attempt.response_status) {
            (Some(failure), _) => failure.message.clone(),
            (None, Some(status)) => format!("HTTP {status}"),
            (None, None) => String::new(),
        };
        self.record_step("attempt", attempt.duration, detail);
        if let Some(draft) = &mut self.draft {
            draft.log.attempts.push(attempt);
        }
    }

    fn record_step(&mut self, name: &'static str, duration: Duration, detail: String) {
        let offset = self.started.elapsed().saturating_sub(duration);
        if let Some(draft) = &mut self.draft {
            draft.trace.steps.push(Step {
                name,
                offset,
                duration,
                detail: Some(detail),
            });
        }
    }

    /// Closes the record and hands over its log.
    pub(super) fn close(&mut self, outcome: CallOutcome, now: Timestamp) {
        if !std::mem::replace(&mut self.is_open, false) {
            return;
        }
        metrics::call_ended(outcome_label(&outcome), self.started.elapsed());
        if let Some(draft) = self.draft.take() {
            let (entry, permit) = draft.conclude(outcome, now);
            self.recording.record(entry, permit);
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.close(CallOutcome::ClientDisconnected, chrono::Utc::now());
    }
}

impl LogDraft {
    fn conclude(mut self, outcome: CallOutcome, now: Timestamp) -> (JournalEntry, LogPermit) {
        let captured: Option<BodyExcerpt> = self.upload.take().and_then(|upload| upload.captured());
        self.log.original_payload = captured.map(|body| body.bytes).filter(|bytes| !bytes.is_empty());
        let letter = self
            .letter
            .take()
            .and_then(|letter| letter.into_dead_letter(&outcome, &self.log, now));
        let (status, error) = letter::final_status(outcome, letter.as_deref());
        self.log.status = status;
        self.log.error = error;
        self.log.delivered_at = (status == DeliveryStatus::Success).then_some(now);
        let entry = JournalEntry::Delivery {
            log: Box::new(self.log),
            trace: self.trace,
            dead_letter: letter,
        };
        (entry, self.permit)
    }
}

fn new_log(route: &Route, method: ProxyMethod, identity: &CallIdentity, retention: Duration) -> DeliveryLog {
    let integration = &route.integration;
    let at = identity.received_at;
    DeliveryLog {
        id: identity.message.log_id(Some(at)),
        message_id: identity.message,
        org_id: integration.org_id,
        integration: IntegrationRef {
            id: integration.id,
            name: integration.name.clone(),
            action_name: None,
            action_index: 0,
        },
        event: EventRef {
            source: SourceId::new(SOURCE),
            id: identity.event.clone(),
            event_type: route.event_type.clone(),
            created_at: Some(at),
        },
        direction: Direction::Inbound,
        trigger: TriggerType::Event,
        status: DeliveryStatus::Success,
        target: Destination {
            url: integration.target.clone(),
            method,
        },
        attempts: Vec::with_capacity(1),
        error: None,
        original_payload: None,
        request_payload: None,
        request_headers: HeaderLines::default(),
        signature: None,
        correlation_id: identity.request_id.clone(),
        trace_id: identity.trace.trace_id(),
        created_at: at,
        delivered_at: None,
        expires_at: at + retention,
    }
}

/// An address as logs show it, where the client's query counts as payload.
fn logged_address(address: &Uri, level: LogLevel) -> Option<ig_core::integration::TargetUrl> {
    let whole = address.to_string();
    let logged = match level {
        LogLevel::Full => whole.as_str(),
        LogLevel::Metadata => whole.split('?').next().unwrap_or_default(),
    };
    logged.parse().ok()
}

fn outcome_label(outcome: &CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Answered => "ANSWERED",
        CallOutcome::RefusedByTarget(_) => "REFUSED_BY_TARGET",
        CallOutcome::Failed(_) => "FAILED",
        CallOutcome::Refused(_) => "REFUSED",
        CallOutcome::Limited(_) => "LIMITED",
        CallOutcome::Interrupted(_) => "BROKE_OFF",
        CallOutcome::Skipped => "SKIPPED",
        CallOutcome::ClientDisconnected => "CLIENT_LEFT",
    }
}
