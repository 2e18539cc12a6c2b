//! `/analytics`: an organisation's deliveries in figures.

use axum::Json;
use ig_core::calendar::Interval;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::analytics::{AnalyticsQuery, AnalyticsScope, TopQuery};
use crate::document::{ErrorAnalytics, EventTypeAnalytics, IntegrationAnalytics, Summary, TimeSeries};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::query::{OneOf, QueryParams};

type Intervals = OneOf<Interval>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(time_series))
        .routes(routes!(integrations))
        .routes(routes!(event_types))
        .routes(routes!(errors))
}

/// Counts the deliveries of a period by status, with the duration of their requests.
#[utoipa::path(get, path = "/analytics/summary", tag = "analytics", params(OrgQuery, AnalyticsQuery), responses((status = 200, body = Summary)))]
async fn summary(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<AnalyticsQuery>,
) -> Result<Json<Summary>, ApiError> {
    let scope = AnalyticsScope::parse(&gateway, org, query).await?;
    Ok(Json(scope.summary(&gateway).await?))
}

/// The resolution of a time series.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Points {
    /// The interval of a point; an hour by default. A series has at most 1,500 points.
    #[param(value_type = Option<Intervals>, inline)]
    interval: Option<String>,
}

/// Counts the deliveries of a period by start time, in intervals of a minute, hour, day, week or month.
///
/// Days, weeks (from Monday) and months begin at midnight in the time zone, so a day with a clock change has 23 or 25 hours. Points
/// without deliveries are included; the first and the last cover only their part of the period.
#[utoipa::path(get, path = "/analytics/timeseries", tag = "analytics", params(OrgQuery, AnalyticsQuery, Points), responses((status = 200, body = TimeSeries)))]
async fn time_series(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<AnalyticsQuery>,
    QueryParams(Points { interval }): QueryParams<Points>,
) -> Result<Json<TimeSeries>, ApiError> {
    let scope = AnalyticsScope::parse(&gateway, org, query).await?;
    Ok(Json(scope.over_time(&gateway, interval).await?))
}

/// Counts the deliveries of a period by integration, the most frequent first.
#[utoipa::path(
    get,
    path = "/analytics/integrations",
    tag = "analytics",
    params(OrgQuery, AnalyticsQuery, TopQuery),
    responses((status = 200, body = IntegrationAnalytics)),
)]
async fn integrations(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<AnalyticsQuery>,
    QueryParams(top): QueryParams<TopQuery>,
) -> Result<Json<IntegrationAnalytics>, ApiError> {
    let scope = AnalyticsScope::parse(&gateway, org, query).await?;
    Ok(Json(scope.by_integration(&gateway, top.limit()?).await?))
}

/// Counts the deliveries of a period by event type, the most frequent first.
#[utoipa::path(
    get,
    path = "/analytics/event-types",
    tag = "analytics",
    params(OrgQuery, AnalyticsQuery, TopQuery),
    responses((status = 200, body = EventTypeAnalytics)),
)]
async fn event_types(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<AnalyticsQuery>,
    QueryParams(top): QueryParams<TopQuery>,
) -> Result<Json<EventTypeAnalytics>, ApiError> {
    let scope = AnalyticsScope::parse(&gateway, org, query).await?;
    Ok(Json(scope.by_event_type(&gateway, top.limit()?).await?))
}

/// Counts the failed deliveries of a period by cause, and by integration and cause, with the latest message of each.
#[utoipa::path(
    get,
    path = "/analytics/errors",
    tag = "analytics",
    params(OrgQuery, AnalyticsQuery, TopQuery),
    responses((status = 200, body = ErrorAnalytics)),
)]
async fn errors(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<AnalyticsQuery>,
    QueryParams(top): QueryParams<TopQuery>,
) -> Result<Json<ErrorAnalytics>, ApiError> {
    let scope = AnalyticsScope::parse(&gateway, org, query).await?;
    Ok(Json(scope.errors(&gateway, top.limit()?).await?))
}
