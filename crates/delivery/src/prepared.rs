//! A request on its way out: prepared, then signed, then sent. There is no other way to send one.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;
use ig_core::clock::Timestamp;
use ig_core::header_lines::HeaderLines;
use ig_core::mask;
use ig_core::message::MessageId;
use ig_core::secret::MASK;

use crate::deliverer::Deliverer;
use crate::exchange::{self, Exchange};
use crate::template::Template;
use crate::tokens::Token;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What one delivery has for itself.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its identifier, the same on every attempt.
    pub id: MessageId,
    /// What ties it to other systems' logs; left out where it cannot be a header.
    pub correlation_id: String,
    /// W3C trace context; left out where it cannot be a header.
    pub trace_parent: Option<String>,
    /// The exact bytes to send.
    pub body: Bytes,
}

/// A delivery that can be signed for as many attempts as it takes.
#[derive(Debug, Clone)]
pub struct Prepared {
    template: Template,
    message: Message,
}

impl Prepared {
    pub(crate) fn new(template: Template, message: Message) -> Self {
        Self { template, message }
    }

    /// Has the next attempt carry a fresh token, unless the one that was refused has been replaced already.
    pub fn refuse_token(&self, refused: &Token, deliverer: &Deliverer) {
        if let Some(grant) = &self.template.parts().grant {
            deliverer.tokens().forget(grant, refused);
        }
    }

    /// The same delivery, told another place in its trace: each attempt has its own.
    #[must_use]
    pub fn with_trace_parent(&self, trace_parent: String) -> Self {
        let mut other = self.clone();
        other.message.trace_parent = Some(trace_parent);
        other
    }

    /// Signs one attempt, whose time the signature holds; one whose integration does not sign goes without a signature. Either tells
    /// its receiver by which id to discard it if it comes again.
    pub fn sign(&self, now: Timestamp) -> Signed {
        let parts = self.template.parts();
        let mut headers = parts.headers.clone();
        put(&mut headers, CORRELATION_ID, &self.message.correlation_id);
        if let Some(trace_parent) = &self.message.trace_parent {
            put(&mut headers, TRACE_PARENT, trace_parent);
        }
        let (id, timestamp) = (self.message.id.to_string(), now.timestamp().to_string());
        put(&mut headers, WEBHOOK_ID, &id);
        put(&mut headers, WEBHOOK_TIMESTAMP, &timestamp);
        let signature = parts.signer.as_ref().map(|signer| {
            let signature = signer.sign(&id, &timestamp, &self.message.body);
            put(&mut headers, WEBHOOK_SIGNATURE, &signature);
            signature
        });
        Signed {
            template: self.template.clone(),
            body: self.message.body.clone(),
            headers,
            signature,
            at: now,
        }
    }
}

/// One attempt, ready to be sent once.
#[derive(Debug)]
pub struct Signed {
    pub(crate) template: Template,
    pub(crate) headers: HeaderMap,
    pub(crate) signature: Option<String>,
    pub(crate) at: Timestamp,
    body: Bytes,
}

impl Signed {
    /// The value of `webhook-signature`, where the integration signs.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The headers as they may be stored and shown: credentials masked, also a token that is yet to be granted.
    pub fn masked_headers(&self) -> HeaderLines {
        let mut shown = masked(&self.headers);
        if self.carries_token() && !self.headers.contains_key(AUTHORIZATION) {
            shown.push(AUTHORIZATION.as_str(), MASK);
        }
        shown
    }

    /// Sends it, and tells what came of it. The answer is always an [`Exchange`]: what went wrong is in its attempt.
    pub async fn send(self, deliverer: &Deliverer) -> Exchange {
        exchange::run(self, deliverer).await
    }

    pub(crate) fn carries_token(&self) -> bool {
        self.template.parts().grant.is_some()
    }

    pub(crate) fn request(&self) -> http::Request<Full<Bytes>> {
        let parts = self.template.parts();
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// What a header usually takes.
const USUAL_LINE: usize = 48;

/// Headers as they may be stored and shown.
pub fn masked(headers: &HeaderMap) -> HeaderLines {
    let mut shown = HeaderLines::with_capacity(headers.len() * USUAL_LINE);
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let shown_as = if value.is_sensitive() {
            MASK
        } else {
            mask::header_value(name.as_str(), &text)
        };
        shown.push(name.as_str(), shown_as);
    }
    shown
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
