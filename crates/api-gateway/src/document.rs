//! The JSON documents of the API, and their conversion to and from the domain.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use ig_documents::{merged, remove_field, require_reentry, restore_masks, text, withhold};

use crate::body::{JsonBody, Validated, document};
use crate::error::ApiError;

mod access;
mod alert;
mod analytics;
mod api_key;
mod bulk_retry;
mod bundle;
mod configuration;
mod dashboard;
mod data_connection;
mod dead_letter;
mod dead_letter_statistics;
mod delivery_log;
mod event_audit;
mod execution_log;
mod field_schema;
mod figures;
mod history;
mod job_entry;
mod job_log;
mod job_run;
mod listing;
mod lookup;
mod org_deletion;
mod platform;
mod preview;
mod pushed;
mod rate_limit;
mod redrive;
mod scheduled;
mod session;
mod user;

pub(crate) use alert::{AlertEntry, AlertList, decode_alert_id};
pub(crate) use analytics::{ErrorAnalytics, EventTypeAnalytics, IntegrationAnalytics, Point, Summary, TimeSeries};
pub(crate) use api_key::{ApiKeyAsked, ApiKeyEntry, ApiKeyList};
pub(crate) use bulk_retry::{BulkRetried, BulkRetry};
pub(crate) use bundle::{ConfigurationDocument, ConfigurationPlan, PlannedChange, strip_managed_fields};
pub(crate) use configuration::{
    Compilers, EventTypeList, InboundIntegrationList, OrgList, OutboundIntegrationList, TemplateList, UnitList,
};
pub(crate) use dashboard::Dashboard;
pub(crate) use data_connection::{DataConnectionDocument, DataConnectionList, GrantedConnection, GrantedConnectionList};
pub(crate) use dead_letter::{DlqEntry, DlqEntryList};
pub(crate) use dead_letter_statistics::DlqStatistics;
pub(crate) use delivery_log::{DeliveryLogEntry, DeliveryLogList};
pub(crate) use event_audit::{EventEntry, EventList};
pub(crate) use execution_log::{ExecutionLogEntry, ExecutionLogList};
pub(crate) use field_schema::{FieldSchema, FieldSchemaChange, FieldSchemaList};
pub(crate) use figures::Figures;
pub(crate) use history::{
    AuditLogDetail, AuditLogEntry, AuditLogList, Renderings, VersionDetail, VersionEntry, VersionList, differences,
};
pub(crate) use ig_documents::{
    EventTypeDocument, InboundDocument, JobDocument, OrganizationDocument, OutboundDocument, RequestLimitsDocument, Secrets,
    Stamp, TemplateDocument, UnitDocument, ValidationChoice, console, filled,
};
pub(crate) use job_entry::{JobEntry, JobList};
pub(crate) use job_log::{JobLogEntry, JobLogList};
pub(crate) use job_run::{DataSourceTest, DataSourceTested, JobRunCancelled, JobRunStarted, NextRunsRequest, WatermarkChange};
pub(crate) use listing::{FoundListing, Listing, UnreadableEntry, split_unreadable};
pub(crate) use lookup::{
    Batch, BatchAnswer, Deletion, FileFault, ImportEntry, ImportList, ImportReport, Lookup, LookupAnswer, LookupAnswers,
    LookupBatch, LookupDeletion, LookupList, LookupMatches, LookupMatchesList, LookupQuestions, LookupRequest, LookupRequests,
    LookupStatistics, LookupTypes, LookupsDeleted, parse_tenant,
};
pub(crate) use org_deletion::OrgDeletionStatus;
pub(crate) use platform::{PlatformDashboard, ServiceEntry, SourceEntry, WorkerEntry, Workers};
pub(crate) use preview::{
    Preview, PreviewError, PreviewRequest, PreviewStatus, PreviewStep, PreviewedRequest, TestRequest, TestResult, Tested,
};
pub(crate) use pushed::{CheckedEvent, Push, PushAnswer, PushAnswers, PushBody, PushStatus, event_id};
pub(crate) use rate_limit::{RateLimitEntry, RateLimitList};
pub(crate) use redrive::{RedriveAsked, RedriveEntry, RedriveList};
pub(crate) use scheduled::{
    SchedulePreviewRequest, ScheduleTimes, ScheduledCancellation, ScheduledEntry, ScheduledList, ScheduledMove,
};
pub(crate) use session::{LoggedIn, Login, Me, PasswordChange};
pub(crate) use user::{UserDocument, UserList, parse_password};

/// A duration in milliseconds, with microsecond precision.
pub(crate) fn milliseconds(span: Duration) -> f64 {
    span.as_micros() as f64 / 1_000.0
}

/// The document that a PUT asks for: missing fields fall back to their defaults, and a mask keeps the secret that it covers.
pub(crate) fn merge_put<T: Validated + Serialize>(stored: &T, body: JsonBody) -> Result<T, ApiError> {
    document(restore_secrets::<T>(&to_json(stored)?, body.value)?)
}

/// The document in a value, with each mask replaced by the stored secret. For documents that are never sent anywhere.
pub(crate) fn fill_masks<T: Validated + Serialize>(stored: &T, value: Value) -> Result<T, ApiError> {
    document(restore_masks(value, Some(&to_json(stored)?)))
}

/// A value with each mask replaced by the stored secret, but only where the secret still goes to the same destination.
pub(crate) fn restore_secrets<T: Validated>(stored: &Value, value: Value) -> Result<Value, ApiError> {
    let mut stored = stored.clone();
    let withheld = withhold(T::SECRET_BINDINGS, &mut stored, &value);
    let whole = restore_masks(value, Some(&stored));
    require_reentry(&withheld, &whole)?;
    Ok(whole)
}

/// The document that a PATCH asks for: missing fields stay, and null falls back to the default.
pub(crate) fn merge_patch<T: Validated + Serialize>(stored: &T, body: JsonBody) -> Result<T, ApiError> {
    if !body.value.is_object() {
        return Err(ApiError::fault("", "must be an object"));
    }
    let mut stored = to_json(stored)?;
    let requested = merged(stored.clone(), body.value.clone());
    let withheld = withhold(T::SECRET_BINDINGS, &mut stored, &requested);
    let patch = restore_masks(body.value, Some(&stored));
    T::drop_dependents(&mut stored, &patch);
    remove_field(&mut stored, "revision");
    let whole = merged(stored, patch);
    require_reentry(&withheld, &whole)?;
    document(whole)
}

pub(crate) fn to_json<T: Serialize>(document: &T) -> Result<Value, ApiError> {
    serde_json::to_value(document).map_err(|error| {
        tracing::error!(%error, "a stored document cannot be written as JSON");
        ApiError::internal()
    })
}
