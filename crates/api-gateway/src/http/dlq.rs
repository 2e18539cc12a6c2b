//! `/dlq`: dead letters.

use axum::Json;
use axum::extract::Path;
use chrono::Utc;
use http::StatusCode;
use ig_core::dead_letter::{DeadLetterReason, DeadLetterStatus};
use ig_core::dead_letter_retry::ManualRetry;
use ig_core::id::{EventId, LogId, OrgId};
use ig_core::outcome::ErrorCategory;
use ig_store::{DeadLetterFilter, Deletion, StoredDeadLetter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{BulkRetried, BulkRetry, DlqEntry, DlqEntryList, DlqStatistics, Listing as _};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::{AppState, Gateway};
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_integration_id, parse_name, parse_start};

mod redrives;

type Statuses = OneOf<DeadLetterStatus>;
type Categories = OneOf<ErrorCategory>;
type Reasons = OneOf<DeadLetterReason>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(statistics))
        .routes(routes!(read, delete))
        .routes(routes!(retry))
        .routes(routes!(retry_many))
        .merge(redrives::routes())
}

/// Selects dead letters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The status.
    #[param(value_type = Option<Statuses>, inline)]
    status: Option<String>,
    /// The event type.
    event_type: Option<String>,
    /// The integration.
    integration_id: Option<String>,
    /// The category of the last error.
    #[param(value_type = Option<Categories>, inline)]
    error_category: Option<String>,
    /// Why the delivery became a dead letter.
    #[param(value_type = Option<Reasons>, inline)]
    reason: Option<String>,
    /// The event id within its source; for a pushed event the client's own id, with or without the organisation prefix.
    event_id: Option<String>,
    /// The first day or moment.
    start_date: Option<String>,
    /// The last day (inclusive) or moment (exclusive).
    end_date: Option<String>,
    /// Part of the integration's name, the event id, the error or the target's address.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<DeadLetterFilter, ApiError> {
        let Self {
            status,
            event_type,
            integration_id,
            error_category,
            reason,
            event_id,
            start_date,
            end_date,
            search,
        } = self;
        Ok(DeadLetterFilter {
            status: parse_name("status", status)?,
            event_type: event_type.as_deref().map(path::event_type),
            integration_id: parse_integration_id(integration_id)?,
            category: parse_name("errorCategory", error_category)?,
            reason: parse_name("reason", reason)?,
            event_id: event_id.map(EventId::new),
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
            search,
        })
    }
}

/// Lists dead letters, the latest first.
#[utoipa::path(get, path = "/dlq", tag = "dlq", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = DlqEntryList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<DlqEntryList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().dead_letters().list(org, &query.filter()?, page).await?;
    Ok(Json(DlqEntryList::of(listed.map(DlqEntry::from), page)))
}

/// Counts an organisation's dead letters by status, category, reason and integration.
#[utoipa::path(get, path = "/dlq/statistics", tag = "dlq", params(OrgQuery), responses((status = 200, body = DlqStatistics)))]
async fn statistics(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<Json<DlqStatistics>, ApiError> {
    let statistics = gateway.store().dead_letters().statistics(org).await?;
    Ok(Json(statistics.into()))
}

/// Reads a dead letter with the steps of its delivery.
#[utoipa::path(
    get,
    path = "/dlq/{id}",
    tag = "dlq",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = DlqEntry)),
)]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<DlqEntry>, ApiError> {
    let id = parse_entry_id(&id)?;
    let stored = find_letter(&gateway, org, id).await?;
    let trace = gateway.store().execution_logs().get(org, id).await?;
    Ok(Json(DlqEntry::with_trace(stored, trace)))
}

/// Deletes a dead letter, which will then not be delivered. An entry with an attempt in progress is a CONFLICT.
#[utoipa::path(
    delete,
    path = "/dlq/{id}",
    tag = "dlq",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 204)),
)]
async fn delete(Tenant { org, gateway, .. }: Tenant<Write>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    match gateway
        .store()
        .dead_letters()
        .delete(org, parse_entry_id(&id)?, Utc::now())
        .await?
    {
        Deletion::Deleted => Ok(StatusCode::NO_CONTENT),
        Deletion::Busy => Err(ApiError::new(
            ErrorCode::Conflict,
            "The entry is being tried again at this moment",
        )),
        Deletion::Unknown => Err(ApiError::not_found("Entry")),
    }
}

/// Retries a dead letter now, regardless of its number of attempts; returns the entry in its new state.
///
/// An entry is a CONFLICT if it was delivered, has an attempt in progress, waits in a redrive or has no payload (`EVENT_GONE`,
/// `NOT_STORED`).
#[utoipa::path(
    post,
    path = "/dlq/{id}/retry",
    tag = "dlq",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = DlqEntry)),
)]
async fn retry(Tenant { org, gateway, .. }: Tenant<Write>, Path(id): Path<String>) -> Result<Json<DlqEntry>, ApiError> {
    let id = parse_entry_id(&id)?;
    let request = ManualRetry {
        org_id: org,
        ids: vec![id],
    };
    let result = gateway.retrier().retry(&request).await?;
    let stored = find_letter(&gateway, org, id).await?;
    if result.accepted.is_empty() {
        return Err(ApiError::new(ErrorCode::Conflict, conflict_reason(&stored)));
    }
    Ok(Json(stored.into()))
}

/// Retries up to 100 dead letters now.
#[utoipa::path(post, path = "/dlq/bulk/retry", tag = "dlq", params(OrgQuery), request_body = BulkRetry, responses((status = 200, body = BulkRetried)))]
async fn retry_many(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Json<BulkRetried>, ApiError> {
    let request = body.document::<BulkRetry>()?.manual_retry(org)?;
    Ok(Json(gateway.retrier().retry(&request).await?.into()))
}

fn parse_entry_id(text: &str) -> Result<LogId, ApiError> {
    path::log(text, "Entry")
}

async fn find_letter(gateway: &Gateway, org: OrgId, id: LogId) -> Result<StoredDeadLetter, ApiError> {
    let found = gateway.store().dead_letters().get(org, id).await?;
    found.ok_or_else(|| ApiError::not_found("Entry"))
}

fn conflict_reason(stored: &StoredDeadLetter) -> &'static str {
    match stored.letter.status {
        DeadLetterStatus::Resolved => "The entry was delivered",
        _ if !stored.letter.reason.has_payload() => {
            "The entry has no payload that could be sent: its event is gone, or was not stored"
        }
        _ if stored.redrive.is_some() => "The entry waits for its turn in a redrive",
        DeadLetterStatus::PendingRetry | DeadLetterStatus::Retrying | DeadLetterStatus::Abandoned => {
            "The entry is being tried again at this moment"
        }
    }
}
