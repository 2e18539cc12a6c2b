//! `/dlq`: dead letters.

use axum::Json;
use axum::extract::{Path, State};
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::id::EventId;
use ig_core::outcome::ErrorCategory;
use ig_store::DeadLetterFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{OrgQuery, OrgScope};
use crate::document::{DlqEntry, DlqEntryList, Listing as _};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::path;
use crate::query::{Asked, Paging, from_moment, named, to_moment};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// Which dead letters are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `PENDING_RETRY`, RETRYING, ABANDONED or RESOLVED.
    status: Option<String>,
    /// The event's type.
    event_type: Option<String>,
    /// The integration.
    integration_id: Option<String>,
    /// The class of the last failure, such as `SERVER_ERROR`.
    error_category: Option<String>,
    /// The event's identifier within its source.
    event_id: Option<String>,
    /// The first day, or moment.
    start_date: Option<String>,
    /// The last day, or the moment before which.
    end_date: Option<String>,
    /// Part of the integration's name, the event's id, the error or the target's address.
    search: Option<String>,
}

impl Filter {
    fn filter(self) -> Result<DeadLetterFilter, ApiError> {
        let Self {
            status,
            event_type,
            integration_id,
            error_category,
            event_id,
            start_date,
            end_date,
            search,
        } = self;
        Ok(DeadLetterFilter {
            status: named("status", status, DeadLetterStatus::parse)?,
            event_type: event_type.as_deref().map(path::event_type),
            integration_id: named("integrationId", integration_id, |text| text.parse().ok())?,
            reason: None,
            category: named("errorCategory", error_category, ErrorCategory::parse)?,
            event_id: event_id.map(EventId::new),
            start: from_moment("startDate", start_date)?,
            end: to_moment("endDate", end_date)?,
            search,
        })
    }
}

/// Lists dead letters, the latest first.
#[utoipa::path(get, path = "/dlq", tag = "dlq", params(OrgQuery, Paging, Filter), responses((status = 200, body = DlqEntryList)))]
async fn list(
    OrgScope(org): OrgScope,
    State(gateway): State<Gateway>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Filter>,
) -> Result<Json<DlqEntryList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().dead_letters().list(org, &asked.filter()?, page).await?;
    Ok(Json(DlqEntryList::of(listed.map(|kept| DlqEntry::from(kept.letter)), page)))
}

/// Reads a dead letter.
#[utoipa::path(
    get,
    path = "/dlq/{id}",
    tag = "dlq",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = DlqEntry)),
)]
async fn read(
    OrgScope(org): OrgScope,
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
) -> Result<Json<DlqEntry>, ApiError> {
    let found = gateway.store().dead_letters().get(org, path::log(&id, "Entry")?).await?;
    found
        .map(|kept| Json(kept.letter.into()))
        .ok_or_else(|| ApiError::not_found("Entry"))
}
