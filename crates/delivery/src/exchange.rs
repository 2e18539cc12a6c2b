//! One request and its answer, under one deadline, classified.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{Attempt, KeptBody};
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::{Instant, timeout_at};

use crate::deliverer::Deliverer;
use crate::prepared::{Signed, masked};
use crate::tokens::Token;

pub(crate) mod body;
mod decompress;
mod echo;
pub(crate) mod failure;
mod retry_after;

pub(crate) use echo::Credentials;

/// An attempt, and what of its request is to be kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What came of it.
    pub attempt: Attempt,
    /// Why the answer's body broke off, where it did after a status that decides by itself.
    pub broken: Option<String>,
    /// The request's headers, credentials masked.
    pub request_headers: HeaderLines,
    /// The token that was sent, where deliveries carry one.
    pub token: Option<Token>,
    /// The `webhook-signature` that was sent.
    pub signature: Option<String>,
}

/// Sends one request. The deadline covers all of it, from the connection to the last byte of the answer.
pub(crate) async fn run(mut signed: Signed, deliverer: &Deliverer) -> Exchange {
    let started = Instant::now();
    let timeout = signed.template.parts().timeout;
    let deadline = started + timeout;
    let authorized = authorize(&mut signed, deliverer, deadline).await;
    let (outcome, token) = match authorized {
        Ok(token) => (exchange(&signed, deliverer, deadline, timeout).await, token),
        Err(failure) => (Err(failure), None),
    };
    let broken = outcome.as_ref().ok().and_then(|answer| answer.broken.clone());
    Exchange {
        attempt: attempt(outcome, &signed, token.as_ref(), started.elapsed()),
        broken: broken.map(|failure| failure.message),
        request_headers: signed.masked_headers(),
        token,
        signature: signed.signature,
    }
}

async fn exchange(signed: &Signed, deliverer: &Deliverer, deadline: Instant, timeout: Duration) -> Result<Answer, Failure> {
    match timeout_at(deadline, deliverer.client().request(signed.request())).await {
        Ok(Ok(response)) => Ok(Answer::read(response, deadline, timeout, signed.carries_token()).await),
        Ok(Err(error)) => Err(failure::of_request(&error)),
        Err(_) => Err(failure::deadline(timeout)),
    }
}

/// Adds the token, where deliveries carry one: without it nothing is sent.
async fn authorize(signed: &mut Signed, deliverer: &Deliverer, deadline: Instant) -> Result<Option<Token>, Failure> {
    let Some(grant) = &signed.template.parts().grant else {
        return Ok(None);
    };
    let token = deliverer.tokens().get(grant, deliverer.client(), deadline).await?;
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

/// An answer whose head has arrived; its body may have broken off.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<KeptBody>,
    broken: Option<Failure>,
    /// Whether a fresher token may change the verdict.
    by_token: bool,
}

impl Answer {
    async fn read(response: Response<Incoming>, deadline: Instant, timeout: Duration, by_token: bool) -> Self {
        let (head, incoming) = response.into_parts();
        let (kept, ending) = body::read(incoming, deadline).await;
        Self {
            status: head.status,
            body: decompress::body(kept, &head.headers).await,
            headers: head.headers,
            broken: ending.err().map(|broken| broken.failure(timeout)),
            by_token,
        }
    }

    /// The status decides, also where the body breaks off after it: who has taken a delivery would get it twice otherwise.
    fn failure(&self, now: Timestamp) -> Option<Failure> {
        Some(Failure {
            category: category(self.status, self.by_token)?,
            message: format!("The target answered {}.", self.status),
            retry_after: retry_after(&self.headers, now),
        })
    }
}

/// How long a target asks to be left alone, if it does.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    retry_after::read(headers.get(http::header::RETRY_AFTER)?, now)
}

/// Without OAuth 2 there is no fresher token to try: a refused credential is a refused request.
fn category(status: StatusCode, by_token: bool) -> Option<ErrorCategory> {
    match ErrorCategory::of_status(status.as_u16()) {
        Some(ErrorCategory::Auth) if !by_token => Some(ErrorCategory::ClientError),
        other => other,
    }
}

fn attempt(outcome: Result<Answer, Failure>, signed: &Signed, token: Option<&Token>, duration: Duration) -> Attempt {
    let silent = |failure: Failure| Attempt {
        started_at: signed.at,
        duration,
        response_status: None,
        response_headers: HeaderLines::default(),
        response_body: None,
        failure: Some(failure),
    };
    outcome.map_or_else(silent, |answer| answered(answer, signed, token, duration))
}

fn answered(answer: Answer, signed: &Signed, token: Option<&Token>, duration: Duration) -> Attempt {
    let credentials = signed.template.parts().credentials.with(token.map(Token::expose));
    Attempt {
        started_at: signed.at,
        duration,
        response_status: Some(answer.status.as_u16()),
        response_headers: credentials.hide_in_headers(masked(&answer.headers)),
        failure: answer.failure(signed.at + duration),
        response_body: answer.body.map(|body| KeptBody {
            bytes: credentials.hide_in(body.bytes),
            truncated: body.truncated,
        }),
    }
}
