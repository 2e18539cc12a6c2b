//! What arrived.

use std::net::SocketAddr;

use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, Method, Version, request::Parts};
use ig_core::clock::Timestamp;

/// A request that arrived whole.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// Its query, where it has one.
    pub query: Option<String>,
    /// Its protocol version.
    pub version: Version,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The connection it came on.
    pub peer: SocketAddr,
    /// When its body was complete.
    pub at: Timestamp,
}

impl ReceivedRequest {
    pub(super) fn new(parts: Parts, body: Bytes, peer: SocketAddr) -> Self {
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(ToOwned::to_owned),
            version: parts.version,
            headers: parts.headers,
            body,
            peer,
            at: Utc::now(),
        }
    }

    /// A header's value; `None` where it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}
