//! Identifiers in paths. A text that is not even well-formed is reported as not found.

use ig_core::id::{
    ApiKeyId, EventType, ImportId, IntegrationId, LogId, LookupId, OrgId, RedriveId, Rid, ScheduledId, TemplateId, UserId,
};
use ig_core::job::{ConnectionName, RunId};

use crate::document::decode_alert_id;
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

/// A scheduled job's identifier.
pub(crate) fn job(text: &str) -> Result<IntegrationId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Job"))
}

/// The identifier of a job's run, which is also that of its log.
pub(crate) fn job_run(text: &str) -> Result<RunId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Job log"))
}

/// A data connection's name.
pub(crate) fn data_connection(text: &str) -> Result<ConnectionName, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Data connection"))
}

/// The identifier of one of an organisation's own templates.
pub(crate) fn template(text: &str) -> Result<TemplateId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Template"))
}

/// A lookup row's identifier.
pub(crate) fn lookup(text: &str) -> Result<LookupId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Lookup"))
}

/// The identifier of an import of lookup rows.
pub(crate) fn import(text: &str) -> Result<ImportId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Import"))
}

/// The identifier of a delivery log, of its trace or of its dead letter.
pub(crate) fn log(text: &str, kind: &str) -> Result<LogId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(kind))
}

/// A person's identifier.
pub(crate) fn user(text: &str) -> Result<UserId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("User"))
}

/// An API key's identifier.
pub(crate) fn api_key(text: &str) -> Result<ApiKeyId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("API key"))
}

/// A revision.
pub(crate) fn revision(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Version"))
}

/// The identifier of an entry of the audit log.
pub(crate) fn audit_log(text: &str) -> Result<[u8; 12], ApiError> {
    let id: Result<LogId, _> = text.parse();
    id.map(|id| id.0).map_err(|_| ApiError::not_found("Audit log"))
}

/// A redrive's identifier.
pub(crate) fn redrive(text: &str) -> Result<RedriveId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Redrive"))
}

/// A scheduled delivery's identifier.
pub(crate) fn scheduled(text: &str) -> Result<ScheduledId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("Scheduled integration"))
}

/// An alert's identifier.
pub(crate) fn alert(text: &str) -> Result<String, ApiError> {
    decode_alert_id(text).ok_or_else(|| ApiError::not_found("Alert"))
}

/// An event type's name.
pub(crate) fn event_type(text: &str) -> EventType {
    EventType::new(text)
}
