//! Guards against lost updates: the revision that a client has seen.

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;
use ig_store::Expected;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;

/// The revision in `If-Match`, where there is one.
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
    /// No revision was seen.
    pub(crate) const ANY: Self = Self(None);

    /// This revision was seen.
    pub(crate) fn revision(seen: u64) -> Self {
        Self(Some(seen))
    }

    /// What the stored revision has to be for a change to be made, given the one in the body too.
    pub(crate) fn against(self, in_body: Option<u64>, stored: u64) -> Result<Expected, ApiError> {
        let seen = [self.0, in_body];
        if seen.iter().flatten().any(|revision| *revision != stored) {
            let message = format!("It has changed since it was read: it is at revision {stored}");
            return Err(ApiError::new(ErrorCode::PreconditionFailed, message));
        }
        // What was read to be changed must still be so when the change is written, whether or not the client asked for it.
        Ok(Expected::Revision(stored))
    }
}
