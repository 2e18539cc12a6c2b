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

/// The data of one delivery.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message's id, the same on every attempt.
    pub id: MessageId,
    /// Ties the delivery to other systems' logs; omitted where it is not a valid header value.
    pub correlation_id: String,
    /// W3C trace context; omitted where it is not a valid header value.
    pub trace_parent: Option<String>,
    /// The exact bytes to send.
    pub body: Bytes,
}

/// A delivery that can be signed for any number of attempts.
#[derive(Debug, Clone)]
pub struct Prepared {
    template: Template,
    message: Message,
}

impl Prepared {
    pub(crate) fn new(template: Template, message: Message) -> Self {
        Self { template, message }
    }

    /// Makes the next attempt carry a fresh token, unless the refused one has been replaced already.
    pub fn refuse_token(&self, refused: &Token, deliverer: &Deliverer) {
        if let Some(key) = &self.template.spec().token_key {
            deliverer.tokens().invalidate(key, refused);
        }
    }

    /// The same delivery with another trace parent: each attempt has its own.
    #[must_use]
    pub fn with_trace_parent(&self, trace_parent: String) -> Self {
        let mut other = self.clone();
        other.message.trace_parent = Some(trace_parent);
        other
    }

    /// Signs one attempt; the signature covers its time. An integration without signing sends no signature. Either way `webhook-id` lets
    /// the receiver discard a repetition.
    pub fn sign(&self, now: Timestamp) -> Signed {
        let spec = self.template.spec();
        let mut headers = spec.headers.clone();
        insert_if_valid(&mut headers, CORRELATION_ID, &self.message.correlation_id);
        if let Some(trace_parent) = &self.message.trace_parent {
            insert_if_valid(&mut headers, TRACE_PARENT, trace_parent);
        }
        let (id, timestamp) = (self.message.id.to_string(), now.timestamp().to_string());
        insert_if_valid(&mut headers, WEBHOOK_ID, &id);
        insert_if_valid(&mut headers, WEBHOOK_TIMESTAMP, &timestamp);
        let signature = spec.signer.as_ref().map(|signer| {
            let signature = signer.sign(&id, &timestamp, &self.message.body);
            insert_if_valid(&mut headers, WEBHOOK_SIGNATURE, &signature);
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

    /// The headers to store and show: credentials masked, including a token that is yet to be granted.
    pub fn masked_headers(&self) -> HeaderLines {
        let mut shown = masked(&self.headers);
        if self.carries_token() && !self.headers.contains_key(AUTHORIZATION) {
            shown.push(AUTHORIZATION.as_str(), MASK);
        }
        shown
    }

    /// Sends the request. The result is always an [`Exchange`]; an error is part of its attempt.
    pub async fn send(self, deliverer: &Deliverer) -> Exchange {
        exchange::send(self, deliverer).await
    }

    pub(crate) fn carries_token(&self) -> bool {
        self.template.spec().token_key.is_some()
    }

    pub(crate) fn request(&self) -> http::Request<Full<Bytes>> {
        let spec = self.template.spec();
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = spec.method.clone();
        *request.uri_mut() = spec.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// The usual size of one header.
const TYPICAL_HEADER_BYTES: usize = 48;

/// Headers to store and show.
pub fn masked(headers: &HeaderMap) -> HeaderLines {
    let mut shown = HeaderLines::with_capacity(headers.len() * TYPICAL_HEADER_BYTES);
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

fn insert_if_valid(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
