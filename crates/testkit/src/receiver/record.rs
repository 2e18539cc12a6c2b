//! Received requests.

use std::net::SocketAddr;

use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, Method, Version, request::Parts};
use ig_core::clock::Timestamp;

/// A completely received request.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The query, if there is one.
    pub query: Option<String>,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The client's address.
    pub peer: SocketAddr,
    /// The time at which the body was complete.
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

    /// A header's value; `None` if it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If the body is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}
