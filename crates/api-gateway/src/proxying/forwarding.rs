//! Forwards a call, and retries where that is safe and may help.

use std::time::Duration;

use ig_core::backoff::{RetryDecision, retry_decision};
use ig_core::clock::{Clock as _, SystemClock, Timestamp};
use ig_core::delivery_log::{Attempt, BodyExcerpt};
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::{CallError, ProxiedCall, ProxyResponse, retry_after};
use ig_service::TraceContext;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Proxying;
use super::intake;
use super::outcome::CallFailure;
use super::record::{CallRecord, MAX_LOGGED_BODY};

/// How long to wait for the body of a failed response.
const FAILED_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// The start of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttemptStart {
    at: Timestamp,
    instant: Instant,
}

/// How often and until when a call may be forwarded.
#[derive(Debug, Clone, Copy)]
pub(super) struct ForwardRetries<'a> {
    /// Whether it is safe to repeat the call.
    pub(super) is_repeatable: bool,
    /// The most attempts.
    pub(super) attempts: u8,
    /// When the target's response has to begin at the latest.
    pub(super) deadline: Instant,
    /// The trace context of the call.
    pub(super) trace: &'a TraceContext,
}

impl Proxying {
    /// The target's response; a response that reports a failure of the target is an error.
    pub(super) async fn forward(
        &self,
        call: &mut ProxiedCall,
        retries: ForwardRetries<'_>,
        record: &mut CallRecord,
    ) -> Result<(ProxyResponse, AttemptStart), CallFailure> {
        let (mut attempts, mut may_refresh) = (0, true);
        loop {
            let started = AttemptStart::now();
            let result = self.send_once(call, retries).await;
            record.record_forwarded_request(call);
            let nothing_was_sent = matches!(result, Err(CallError::NotConnected(_)));
            let failure = match result {
                Ok(response) if may_refresh && self.has_stale_token(call, &response) => {
                    may_refresh = false;
                    record.record_attempt(started.with_response(&response, None, Some(stale_token())));
                    continue;
                }
                Ok(response) if !response.status.is_server_error() => return Ok((response, started)),
                Ok(response) => record_failed_response(response, started, record).await,
                Err(CallError::Target(failure) | CallError::NotConnected(failure)) => {
                    record.record_attempt(started.with_failure(failure.clone()));
                    failure
                }
                Err(CallError::ClientAborted) => return Err(intake::body_interrupted()),
                Err(CallError::ClientStalled(after)) => return Err(intake::body_timed_out(after)),
            };
            attempts += 1;
            let may_help = nothing_was_sent || matches!(failure.category, ErrorCategory::ServerError | ErrorCategory::Network);
            match self.retry_delay(&failure, attempts, call, retries).filter(|_| may_help) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(CallFailure::failed(failure)),
            }
        }
    }

    async fn send_once(&self, call: &mut ProxiedCall, retries: ForwardRetries<'_>) -> Result<ProxyResponse, CallError> {
        let span = tracing::info_span!("ig.attempt", otel.kind = "client");
        let context = TraceContext::of(&span).unwrap_or_else(|| retries.trace.child());
        call.set_trace_parent(&context.traceparent());
        self.proxy.pass(call, retries.deadline).instrument(span).await
    }

    /// Whether the target refused a token that may be revoked; the next attempt fetches a fresh one.
    fn has_stale_token(&self, call: &ProxiedCall, response: &ProxyResponse) -> bool {
        let refused = response
            .token
            .as_ref()
            .filter(|_| response.status == http::StatusCode::UNAUTHORIZED);
        if let Some(token) = refused {
            self.proxy.refuse_token(call, token);
        }
        refused.is_some() && call.upload().can_be_sent()
    }

    /// The delay before the next attempt; `None` where there is none.
    fn retry_delay(&self, failure: &Failure, attempts: u32, call: &ProxiedCall, retries: ForwardRetries<'_>) -> Option<Duration> {
        if !retries.is_repeatable || !call.upload().can_be_sent() {
            return None;
        }
        let allowed = u32::from(retries.attempts);
        match retry_decision(failure, attempts, allowed, &self.backoff, &mut rand::rng()) {
            RetryDecision::RetryIn(delay) if Instant::now() + delay < retries.deadline => Some(delay),
            RetryDecision::RetryIn(_) | RetryDecision::DeadLetter { .. } | RetryDecision::GiveUp => None,
        }
    }
}

/// Handles a failed response: logs as much of its body as arrives promptly.
async fn record_failed_response(mut response: ProxyResponse, started: AttemptStart, record: &mut CallRecord) -> Failure {
    let failure = Failure {
        category: ErrorCategory::ServerError,
        message: format!("The target answered {}.", response.status),
        retry_after: retry_after(&response.headers, SystemClock.now()),
    };
    let capture_limit = record.capture_limit(MAX_LOGGED_BODY);
    let mut attempt = started.with_response(&response, None, Some(failure.clone()));
    if capture_limit > 0 {
        let mask = response.take_mask();
        let body = tokio::time::timeout(FAILED_BODY_TIMEOUT, response.body.collect_up_to(capture_limit)).await;
        attempt.response_body = body.ok().and_then(Result::ok).flatten().map(|bytes| BodyExcerpt {
            bytes: mask(bytes),
            truncated: false,
        });
    }
    record.record_attempt(attempt);
    failure
}

fn stale_token() -> Failure {
    Failure::new(ErrorCategory::Auth, "The target refused the token; it is asked for anew.")
}

impl AttemptStart {
    fn now() -> Self {
        Self {
            at: SystemClock.now(),
            instant: Instant::now(),
        }
    }

    /// An attempt that the target answered.
    pub(super) fn with_response(self, response: &ProxyResponse, body: Option<BodyExcerpt>, failure: Option<Failure>) -> Attempt {
        Attempt {
            response_status: Some(response.status.as_u16()),
            response_headers: response.masked_headers(),
            response_body: body,
            ..self.attempt(failure)
        }
    }

    fn with_failure(self, failure: Failure) -> Attempt {
        self.attempt(Some(failure))
    }

    fn attempt(self, failure: Option<Failure>) -> Attempt {
        Attempt {
            started_at: self.at,
            duration: self.instant.elapsed(),
            response_status: None,
            response_headers: HeaderLines::default(),
            response_body: None,
            failure,
        }
    }

    /// The time since the attempt began.
    pub(super) fn elapsed(self) -> Duration {
        self.instant.elapsed()
    }
}
