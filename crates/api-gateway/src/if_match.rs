//! Optimistic locking: the revision that a client has read guards against lost updates.

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;
use ig_store::Expected;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;

/// The revision in `If-Match`, if present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(names("If-Match"), parameter_in = Header)]
pub(crate) struct IfMatch(Option<u64>);

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let digits = text.trim_start_matches("W/").trim_matches('"');
        let revision = digits
            .parse()
            .map_err(|_| ApiError::parameter("If-Match", "must be an ETag as this API gives it, such as \"42\""))?;
        Ok(Self(Some(revision)))
    }
}

impl IfMatch {
    /// The client named no revision.
    pub(crate) const ANY: Self = Self(None);

    /// The client has read this revision.
    pub(crate) fn revision(revision: u64) -> Self {
        Self(Some(revision))
    }

    /// The stored revision that a change requires, given the one in the body as well.
    pub(crate) fn against(self, in_body: Option<u64>, stored: u64) -> Result<Expected, ApiError> {
        let given = [self.0, in_body];
        if given.iter().flatten().any(|revision| *revision != stored) {
            let message = format!("It has changed since it was read: it is at revision {stored}");
            return Err(ApiError::new(ErrorCode::PreconditionFailed, message));
        }
        // The change applies to what was read for it, whether or not the client asked for that.
        Ok(Expected::Revision(stored))
    }
}
