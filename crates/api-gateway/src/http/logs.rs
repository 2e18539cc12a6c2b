//! `/logs`: deliveries.

use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use ig_core::delivery_log::{DeliveryStatus, Direction};
use ig_core::id::EventId;
use ig_store::LogFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::document::{DeliveryLogEntry, DeliveryLogList, Listing as _};
use crate::error::ApiError;
use crate::exporting::{self, LogFormat};
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_integration_id, parse_name, parse_start};

type Statuses = OneOf<DeliveryStatus>;
type Directions = OneOf<Direction>;
type Formats = OneOf<LogFormat>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(read))
}

/// Selects deliveries, or their traces.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The status.
    #[param(value_type = Option<Statuses>, inline)]
    status: Option<String>,
    /// The event type.
    event_type: Option<String>,
    /// The integration.
    integration_id: Option<String>,
    /// The event id within its source; for a pushed event the client's own id, with or without the organisation prefix.
    event_id: Option<String>,
    /// The message id.
    message_id: Option<String>,
    /// The trace id.
    trace_id: Option<String>,
    /// The correlation id, which other systems' logs share.
    correlation_id: Option<String>,
    /// The direction.
    #[param(value_type = Option<Directions>, inline)]
    direction: Option<String>,
    /// The first day or moment.
    start_date: Option<String>,
    /// The last day (inclusive) or moment (exclusive).
    end_date: Option<String>,
    /// Part of the integration's name, the event id, the error or the target's address.
    search: Option<String>,
}

impl ListQuery {
    pub(super) fn filter(self) -> Result<LogFilter, ApiError> {
        let Self {
            status,
            event_type,
            integration_id,
            event_id,
            message_id,
            trace_id,
            correlation_id,
            direction,
            start_date,
            end_date,
            search,
        } = self;
        Ok(LogFilter {
            status: parse_name("status", status)?,
            event_type: event_type.as_deref().map(path::event_type),
            integration_id: parse_integration_id(integration_id)?,
            event_id: event_id.map(EventId::new),
            message_id,
            trace_id,
            correlation_id,
            direction: parse_name("direction", direction)?,
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
            search,
        })
    }
}

/// Lists deliveries, the latest first.
#[utoipa::path(get, path = "/logs", tag = "logs", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = DeliveryLogList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<DeliveryLogList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().delivery_logs().list(org, &query.filter()?, page).await?;
    Ok(Json(DeliveryLogList::of(listed.map(DeliveryLogEntry::from), page)))
}

/// Options for an export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FormatQuery {
    /// The format; `csv` by default.
    #[param(value_type = Option<Formats>, inline)]
    format: Option<String>,
}

/// Exports all deliveries that match a filter, the latest first and without payloads, as CSV or one line of JSON per delivery.
///
/// The response is streamed: if it breaks off, it is incomplete.
#[utoipa::path(
    get,
    path = "/logs/export",
    tag = "logs",
    params(OrgQuery, ListQuery, FormatQuery),
    responses((status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson")))),
)]
async fn export(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<ListQuery>,
    QueryParams(FormatQuery { format }): QueryParams<FormatQuery>,
) -> Result<Response, ApiError> {
    let format = parse_name("format", format)?.unwrap_or(LogFormat::Csv);
    exporting::stream_logs(&gateway, org, &query.filter()?, format).await
}

/// Reads a delivery with its payloads.
#[utoipa::path(
    get,
    path = "/logs/{id}",
    tag = "logs",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = DeliveryLogEntry)),
)]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<DeliveryLogEntry>, ApiError> {
    let found = gateway.store().delivery_logs().get(org, path::log(&id, "Log")?).await?;
    found.map(|log| Json(log.into())).ok_or_else(|| ApiError::not_found("Log"))
}
