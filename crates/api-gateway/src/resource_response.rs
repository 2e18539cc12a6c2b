//! Responses that carry one resource.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A resource at a revision.
#[derive(Debug)]
pub(crate) struct ResourceResponse<T> {
    status: StatusCode,
    revision: u64,
    document: T,
}

impl<T> ResourceResponse<T> {
    /// The response to a creation.
    pub(crate) fn created(revision: u64, document: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            revision,
            document,
        }
    }

    /// The response to a read or a change.
    pub(crate) fn found(revision: u64, document: T) -> Self {
        Self {
            status: StatusCode::OK,
            revision,
            document,
        }
    }
}

impl<T> ResourceResponse<T> {
    /// The resource.
    pub(crate) fn document(&self) -> &T {
        &self.document
    }

    /// The same response with another form of the resource.
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> ResourceResponse<U> {
        ResourceResponse {
            status: self.status,
            revision: self.revision,
            document: convert(self.document),
        }
    }
}

impl<T: Serialize> IntoResponse for ResourceResponse<T> {
    fn into_response(self) -> Response {
        let Self {
            status,
            revision,
            document,
        } = self;
        let mut response = (status, Json(document)).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}
