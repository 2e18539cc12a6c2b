//! A proxied call that may be sent several times.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use ig_core::clock::Timestamp;
use ig_core::header_lines::HeaderLines;

use super::template::ProxyTemplate;
use super::upload::Upload;
use crate::prepared::masked;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A call, ready to be sent.
#[derive(Debug)]
pub struct ProxiedCall {
    pub(super) template: ProxyTemplate,
    pub(super) method: Method,
    pub(super) address: Uri,
    pub(super) headers: HeaderMap,
    pub(super) upload: Upload,
    pub(super) signature: Option<String>,
}

impl ProxiedCall {
    /// Builds a call. `headers` are the client's, already filtered by [`strip_request_headers`](super::strip_request_headers); the
    /// integration's own headers replace those of the same name.
    pub fn new(template: ProxyTemplate, method: Method, address: Uri, mut headers: HeaderMap, upload: Upload) -> Self {
        replace_headers(&mut headers, &template.spec().headers);
        Self {
            template,
            method,
            address,
            headers,
            upload,
            signature: None,
        }
    }

    /// Signs the call under this message id, where the integration signs. A streamed body is never signed.
    #[must_use]
    pub fn signed(mut self, id: &str, now: Timestamp) -> Self {
        if let (Some(signer), Upload::Whole(body)) = (&self.template.spec().signer, &self.upload) {
            let timestamp = now.timestamp().to_string();
            let signature = signer.sign(id, &timestamp, body);
            let values = [
                (WEBHOOK_ID, id),
                (WEBHOOK_TIMESTAMP, &timestamp),
                (WEBHOOK_SIGNATURE, &signature),
            ];
            for (name, value) in values {
                if let Ok(value) = HeaderValue::from_str(value) {
                    self.headers.insert(name, value);
                }
            }
            self.signature = Some(signature);
        }
        self
    }

    /// Sets the trace parent; each attempt has its own.
    pub fn set_trace_parent(&mut self, trace_parent: &str) {
        if let Ok(value) = HeaderValue::from_str(trace_parent) {
            self.headers.insert(TRACE_PARENT, value);
        }
    }

    /// The address it goes to.
    pub fn address(&self) -> &Uri {
        &self.address
    }

    /// The body.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The value of `webhook-signature`, where the call is signed.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The headers to store and show, credentials masked.
    pub fn masked_headers(&self) -> HeaderLines {
        masked(&self.headers)
    }
}

/// Replaces every client header of the same name as one of the integration's own.
fn replace_headers(headers: &mut HeaderMap, own: &HeaderMap) {
    for name in own.keys() {
        headers.remove(name);
    }
    for (name, value) in own {
        headers.append(name, value.clone());
    }
}
