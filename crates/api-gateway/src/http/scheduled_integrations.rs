//! `/scheduled-integrations`: deliveries that are due later.

use axum::Json;
use axum::extract::Path;
use ig_core::id::{EventId, OrgId, ScheduledId};
use ig_core::scheduled::ScheduledStatus;
use ig_store::ScheduledFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{
    Listing as _, SchedulePreviewRequest, ScheduleTimes, ScheduledCancellation, ScheduledEntry, ScheduledList, ScheduledMove,
};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_integration_id, parse_name, parse_start};
use crate::scheduling;

type Statuses = OneOf<ScheduledStatus>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(preview))
        .routes(routes!(read))
        .routes(routes!(cancel))
        .routes(routes!(reschedule))
}

/// Selects scheduled deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The status.
    #[param(value_type = Option<Statuses>, inline)]
    status: Option<String>,
    /// The integration.
    integration_id: Option<String>,
    /// The event type.
    event_type: Option<String>,
    /// The event id within its source; for a pushed event the client's own id, with or without the organisation prefix.
    event_id: Option<String>,
    /// Scheduled for this day or moment, or later.
    start_date: Option<String>,
    /// Scheduled for this day at the latest, or before this moment.
    end_date: Option<String>,
    /// Part of the integration's name, the event id or the target's address.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<ScheduledFilter, ApiError> {
        let Self {
            status,
            integration_id,
            event_type,
            event_id,
            start_date,
            end_date,
            search,
        } = self;
        Ok(ScheduledFilter {
            status: parse_name("status", status)?,
            integration_id: parse_integration_id(integration_id)?,
            event_type: event_type.as_deref().map(path::event_type),
            event_id: event_id.map(EventId::new),
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
            search,
        })
    }
}

/// Lists scheduled deliveries, the latest due time first.
#[utoipa::path(get, path = "/scheduled-integrations", tag = "scheduled integrations", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = ScheduledList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<ScheduledList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway
        .store()
        .scheduled_deliveries()
        .list(org, &query.filter()?, page)
        .await?;
    Ok(Json(ScheduledList::of(listed.map(ScheduledEntry::from), page)))
}

/// Reads a scheduled delivery.
#[utoipa::path(
    get,
    path = "/scheduled-integrations/{id}",
    tag = "scheduled integrations",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = ScheduledEntry)),
)]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<ScheduledEntry>, ApiError> {
    read_entry(&gateway, org, path::scheduled(&id)?).await
}

/// Cancels a pending delivery, and a recurring one for good. A delivery in flight may still arrive.
#[utoipa::path(
    post,
    path = "/scheduled-integrations/{id}/cancel",
    tag = "scheduled integrations",
    params(OrgQuery, ("id" = String, Path)),
    request_body = ScheduledCancellation,
    responses((status = 200, body = ScheduledEntry)),
)]
async fn cancel(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    body: Option<JsonBody>,
) -> Result<Json<ScheduledEntry>, ApiError> {
    let id = path::scheduled(&id)?;
    let cancellation = body.map(JsonBody::document).transpose()?.unwrap_or_default();
    scheduling::cancel(&gateway, org, id, cancellation).await?;
    read_entry(&gateway, org, id).await
}

/// Reschedules a pending delivery; later occurrences keep their times.
#[utoipa::path(
    post,
    path = "/scheduled-integrations/{id}/reschedule",
    tag = "scheduled integrations",
    params(OrgQuery, ("id" = String, Path)),
    request_body = ScheduledMove,
    responses((status = 200, body = ScheduledEntry)),
)]
async fn reschedule(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<ScheduledEntry>, ApiError> {
    let id = path::scheduled(&id)?;
    scheduling::reschedule(&gateway, org, id, body.document()?).await?;
    read_entry(&gateway, org, id).await
}

/// Previews when a schedule, given or of a stored integration, makes deliveries: the next five times by default.
#[utoipa::path(
    post,
    path = "/scheduled-integrations/preview",
    tag = "scheduled integrations",
    params(OrgQuery),
    request_body = SchedulePreviewRequest,
    responses((status = 200, body = ScheduleTimes)),
)]
async fn preview(Tenant { org, gateway, .. }: Tenant<Read>, body: JsonBody) -> Result<Json<ScheduleTimes>, ApiError> {
    Ok(Json(scheduling::preview(&gateway, org, body.document()?).await?))
}

async fn read_entry(gateway: &Gateway, org: OrgId, id: ScheduledId) -> Result<Json<ScheduledEntry>, ApiError> {
    let found = gateway.store().scheduled_deliveries().get(org, id).await?;
    found
        .map(|delivery| Json(delivery.into()))
        .ok_or_else(|| ApiError::not_found("Scheduled integration"))
}
