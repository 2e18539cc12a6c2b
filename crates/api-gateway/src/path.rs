//! Identifiers in paths. What has not even the form of one does not exist.

use ig_core::id::{EventType, IntegrationId, LogId, OrgId, Rid};

use crate::error::ApiError;

/// An organisation's number.
pub(crate) fn org(text: &str) -> Result<OrgId, ApiError> {
    text.parse().map(OrgId).map_err(|_| ApiError::not_found("Organization"))
}

/// A unit's number.
pub(crate) fn rid(text: &str) -> Result<Rid, ApiError> {
    text.parse().map(Rid).map_err(|_| ApiError::not_found("Unit"))
}

/// An integration's identifier.
pub(crate) fn integration(text: &str) -> Result<IntegrationId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Integration"))
}

/// The identifier of a delivery log, of its trace or of its dead letter.
pub(crate) fn log(text: &str, what: &str) -> Result<LogId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(what))
}

/// An event type's name.
pub(crate) fn event_type(text: &str) -> EventType {
    EventType::new(text)
}
