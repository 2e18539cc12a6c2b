//! `/alerts`: the log of alerts.

use axum::Json;
use axum::extract::Path;
use ig_core::alert::Severity;
use ig_store::AlertFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Platform, Read, Tenant};
use crate::document::{AlertEntry, AlertList, Listing as _};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_name, parse_start};

type Severities = OneOf<Severity>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(list_of_nobody))
}

/// Selects alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The kind of trouble, such as `circuit-open`.
    kind: Option<String>,
    /// The severity.
    #[param(value_type = Option<Severities>, inline)]
    severity: Option<String>,
    /// First reported on or after this day or moment.
    start_date: Option<String>,
    /// First reported on this day at the latest, or before this moment.
    end_date: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<AlertFilter, ApiError> {
        let Self {
            kind,
            severity,
            start_date,
            end_date,
        } = self;
        Ok(AlertFilter {
            kind,
            severity: parse_name("severity", severity)?,
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
        })
    }
}

/// Lists alerts by their first report, the latest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = AlertList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<AlertList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().alerts().list(Some(org), &query.filter()?, page).await?;
    Ok(Json(AlertList::of(listed.map(AlertEntry::from), page)))
}

/// Lists alerts about the platform itself by their first report, the latest first.
#[utoipa::path(get, path = "/admin/alerts", tag = "admin", params(Paging, ListQuery), responses((status = 200, body = AlertList)))]
async fn list_of_nobody(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<AlertList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().alerts().list(None, &query.filter()?, page).await?;
    Ok(Json(AlertList::of(listed.map(AlertEntry::from), page)))
}

/// Reads an alert.
#[utoipa::path(
    get,
    path = "/alerts/{id}",
    tag = "alerts",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = AlertEntry)),
)]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<AlertEntry>, ApiError> {
    let found = gateway.store().alerts().get(org, &path::alert(&id)?).await?;
    found
        .map(|alert| Json(alert.into()))
        .ok_or_else(|| ApiError::not_found("Alert"))
}
