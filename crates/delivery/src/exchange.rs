//! One request and its response, under one deadline, classified.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{Attempt, BodyExcerpt};
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::{Instant, timeout_at};

use crate::deliverer::Deliverer;
use crate::prepared::{Signed, masked};
use crate::tokens::Token;

pub(crate) mod body;
mod credential_mask;
pub(crate) mod decompress;
pub(crate) mod failure;
mod retry_after;

pub(crate) use credential_mask::CredentialMask;

/// An attempt, and what is logged of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The attempt's outcome.
    pub attempt: Attempt,
    /// Why the response's body broke off, where the status alone decided the outcome.
    pub body_error: Option<String>,
    /// The request's headers, credentials masked.
    pub request_headers: HeaderLines,
    /// The token that was sent, where deliveries carry one.
    pub token: Option<Token>,
    /// The `webhook-signature` that was sent.
    pub signature: Option<String>,
}

/// Sends one request. The deadline covers all of it, from connecting to the last byte of the response.
pub(crate) async fn send(mut signed: Signed, deliverer: &Deliverer) -> Exchange {
    let started = Instant::now();
    let timeout = signed.template.spec().timeout;
    let deadline = started + timeout;
    let authorized = authorize(&mut signed, deliverer, deadline).await;
    let (response, token) = match authorized {
        Ok(token) => (request_response(&signed, deliverer, deadline, timeout).await, token),
        Err(failure) => (Err(failure), None),
    };
    let body_failure = response.as_ref().ok().and_then(|response| response.body_failure.clone());
    Exchange {
        attempt: to_attempt(response, &signed, token.as_ref(), started.elapsed()),
        body_error: body_failure.map(|failure| failure.message),
        request_headers: signed.masked_headers(),
        token,
        signature: signed.signature,
    }
}

async fn request_response(
    signed: &Signed,
    deliverer: &Deliverer,
    deadline: Instant,
    timeout: Duration,
) -> Result<TargetResponse, Failure> {
    match timeout_at(deadline, deliverer.client().request(signed.request())).await {
        Ok(Ok(response)) => Ok(TargetResponse::read(response, deadline, timeout, signed.carries_token()).await),
        Ok(Err(error)) => Err(failure::from_request_error(&error)),
        Err(_) => Err(failure::deadline_exceeded(timeout)),
    }
}

/// Adds the token, where deliveries carry one. Without it nothing is sent.
async fn authorize(signed: &mut Signed, deliverer: &Deliverer, deadline: Instant) -> Result<Option<Token>, Failure> {
    let Some(key) = &signed.template.spec().token_key else {
        return Ok(None);
    };
    let token = deliverer.tokens().get(key, deliverer.client(), deadline).await?;
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
        Failure::new(
            ErrorCategory::Config,
            "The token endpoint granted a token that no header can hold.",
        )
    })?;
    value.set_sensitive(true);
    signed.headers.insert(AUTHORIZATION, value);
    Ok(Some(token))
}

/// A response whose head has arrived; its body may have broken off.
struct TargetResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<BodyExcerpt>,
    body_failure: Option<Failure>,
    /// Whether a fresh token may change the outcome.
    carries_token: bool,
}

impl TargetResponse {
    async fn read(response: Response<Incoming>, deadline: Instant, timeout: Duration, carries_token: bool) -> Self {
        let (head, incoming) = response.into_parts();
        let (kept, read_result) = body::read_capped(incoming, deadline).await;
        Self {
            status: head.status,
            body: decompress::decompressed(kept, &head.headers).await,
            headers: head.headers,
            body_failure: read_result.err().map(|error| error.into_failure(timeout)),
            carries_token,
        }
    }

    /// The status decides even where the body breaks off after it: a target that accepted the delivery would get it twice otherwise.
    fn failure(&self, now: Timestamp) -> Option<Failure> {
        Some(Failure {
            category: error_category(self.status, self.carries_token)?,
            message: format!("The target answered {}.", self.status),
            retry_after: retry_after(&self.headers, now),
        })
    }
}

/// How long a target asks to be left alone, if it does.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    retry_after::parse(headers.get(http::header::RETRY_AFTER)?, now)
}

/// Without OAuth 2 there is no fresh token to try: a refused credential is a refused request.
fn error_category(status: StatusCode, carries_token: bool) -> Option<ErrorCategory> {
    match ErrorCategory::of_status(status.as_u16()) {
        Some(ErrorCategory::Auth) if !carries_token => Some(ErrorCategory::ClientError),
        other => other,
    }
}

fn to_attempt(response: Result<TargetResponse, Failure>, signed: &Signed, token: Option<&Token>, duration: Duration) -> Attempt {
    let without_response = |failure: Failure| Attempt {
        started_at: signed.at,
        duration,
        response_status: None,
        response_headers: HeaderLines::default(),
        response_body: None,
        failure: Some(failure),
    };
    response.map_or_else(without_response, |response| {
        attempt_with_response(response, signed, token, duration)
    })
}

fn attempt_with_response(response: TargetResponse, signed: &Signed, token: Option<&Token>, duration: Duration) -> Attempt {
    let mask = signed.template.spec().credential_mask.with_token(token.map(Token::expose));
    Attempt {
        started_at: signed.at,
        duration,
        response_status: Some(response.status.as_u16()),
        response_headers: mask.mask_headers(masked(&response.headers)),
        failure: response.failure(signed.at + duration),
        response_body: response.body.map(|body| BodyExcerpt {
            bytes: mask.mask_body(body.bytes),
            truncated: body.truncated,
        }),
    }
}
