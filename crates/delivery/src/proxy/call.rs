//! A call, ready to be passed on as often as it may be.

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

/// A call, ready to be passed on.
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
    /// Puts a call together. `headers` are the client's, without what goes no further than here; the integration's own replace those
    /// of the same name.
    pub fn new(template: ProxyTemplate, method: Method, address: Uri, mut headers: HeaderMap, upload: Upload) -> Self {
        replace(&mut headers, &template.parts().headers);
        Self {
            template,
            method,
            address,
            headers,
            upload,
            signature: None,
        }
    }

    /// Signs it as the message of this id, where the integration signs; a body that streams is never signed.
    #[must_use]
    pub fn signed(mut self, id: &str, now: Timestamp) -> Self {
        if let (Some(signer), Upload::Whole(body)) = (&self.template.parts().signer, &self.upload) {
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

    /// Tells the target its place in the trace; each try has its own.
    pub fn set_trace_parent(&mut self, trace_parent: &str) {
        if let Ok(value) = HeaderValue::from_str(trace_parent) {
            self.headers.insert(TRACE_PARENT, value);
        }
    }

    /// Where it goes.
    pub fn address(&self) -> &Uri {
        &self.address
    }

    /// Its body.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The value of `webhook-signature`, where it is signed.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The headers as they may be stored and shown: credentials masked.
    pub fn masked_headers(&self) -> HeaderLines {
        masked(&self.headers)
    }
}

/// The integration's own headers take the place of the client's, all of the same name.
fn replace(headers: &mut HeaderMap, own: &HeaderMap) {
    for name in own.keys() {
        headers.remove(name);
    }
    for (name, value) in own {
        headers.append(name, value.clone());
    }
}
