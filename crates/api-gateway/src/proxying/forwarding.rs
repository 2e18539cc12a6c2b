//! Forwards a call, and retries where that is safe and may help.

use std::time::Duration;

use ig_core::backoff::{Next, after_failure};
use ig_core::clock::{Clock as _, SystemClock, Timestamp};
use ig_core::delivery_log::{Attempt, KeptBody};
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
pub(super) struct Began {
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
    pub(super) async fn pass(
        &self,
        call: &mut ProxiedCall,
        persistence: ForwardRetries<'_>,
        record: &mut CallRecord,
    ) -> Result<(ProxyResponse, Began), CallFailure> {
        let (mut made, mut may_refresh) = (0, true);
        loop {
            let began = Began::now();
            let passed = self.once(call, persistence).await;
            record.passes(call);
            let nothing_was_sent = matches!(passed, Err(CallError::NotConnected(_)));
            let failure = match passed {
                Ok(answered) if may_refresh && self.has_stale_token(call, &answered) => {
                    may_refresh = false;
                    record.attempted(began.answered(&answered, None, Some(stale())));
                    continue;
                }
                Ok(answered) if !answered.status.is_server_error() => return Ok((answered, began)),
                Ok(answered) => failed(answered, began, record).await,
                Err(CallError::Target(failure) | CallError::NotConnected(failure)) => {
                    record.attempted(began.unanswered(failure.clone()));
                    failure
                }
                Err(CallError::ClientAborted) => return Err(intake::broke_off()),
                Err(CallError::ClientStalled(after)) => return Err(intake::too_slow(after)),
            };
            made += 1;
            let may_help = nothing_was_sent || matches!(failure.category, ErrorCategory::ServerError | ErrorCategory::Network);
            match self.pause(&failure, made, call, persistence).filter(|_| may_help) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(CallFailure::failed(failure)),
            }
        }
    }

    async fn once(&self, call: &mut ProxiedCall, persistence: ForwardRetries<'_>) -> Result<ProxyResponse, CallError> {
        let span = tracing::info_span!("ig.attempt", otel.kind = "client");
        let context = TraceContext::of(&span).unwrap_or_else(|| persistence.trace.child());
        call.set_trace_parent(&context.traceparent());
        self.proxy.pass(call, persistence.deadline).instrument(span).await
    }

    /// Whether the target refused a token that may be revoked; the next attempt fetches a fresh one.
    fn has_stale_token(&self, call: &ProxiedCall, answered: &ProxyResponse) -> bool {
        let refused = answered
            .token
            .as_ref()
            .filter(|_| answered.status == http::StatusCode::UNAUTHORIZED);
        if let Some(token) = refused {
            self.proxy.refuse_token(call, token);
        }
        refused.is_some() && call.upload().can_be_sent()
    }

    /// The delay before the next attempt; `None` where there is none.
    fn pause(&self, failure: &Failure, made: u32, call: &ProxiedCall, persistence: ForwardRetries<'_>) -> Option<Duration> {
        if !persistence.is_repeatable || !call.upload().can_be_sent() {
            return None;
        }
        let allowed = u32::from(persistence.attempts);
        match after_failure(failure, made, allowed, &self.backoff, &mut rand::rng()) {
            Next::RetryIn(pause) if Instant::now() + pause < persistence.deadline => Some(pause),
            Next::RetryIn(_) | Next::DeadLetter { .. } | Next::GiveUp => None,
        }
    }
}

/// Handles a failed response: logs as much of its body as arrives promptly.
async fn failed(mut answered: ProxyResponse, began: Began, record: &mut CallRecord) -> Failure {
    let failure = Failure {
        category: ErrorCategory::ServerError,
        message: format!("The target answered {}.", answered.status),
        retry_after: retry_after(&answered.headers, SystemClock.now()),
    };
    let most = record.keeps(MAX_LOGGED_BODY);
    let mut attempt = began.answered(&answered, None, Some(failure.clone()));
    if most > 0 {
        let mask = answered.take_mask();
        let body = tokio::time::timeout(FAILED_BODY_TIMEOUT, answered.body.collect_up_to(most)).await;
        attempt.response_body = body.ok().and_then(Result::ok).flatten().map(|bytes| KeptBody {
            bytes: mask(bytes),
            truncated: false,
        });
    }
    record.attempted(attempt);
    failure
}

fn stale() -> Failure {
    Failure::new(ErrorCategory::Auth, "The target refused the token; it is asked for anew.")
}

impl Began {
    fn now() -> Self {
        Self {
            at: SystemClock.now(),
            instant: Instant::now(),
        }
    }

    /// An attempt that the target answered.
    pub(super) fn answered(self, answered: &ProxyResponse, body: Option<KeptBody>, failure: Option<Failure>) -> Attempt {
        Attempt {
            response_status: Some(answered.status.as_u16()),
            response_headers: answered.masked_headers(),
            response_body: body,
            ..self.attempt(failure)
        }
    }

    fn unanswered(self, failure: Failure) -> Attempt {
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
