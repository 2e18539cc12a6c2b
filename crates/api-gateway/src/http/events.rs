//! `/events`: pushing them, and what was decided about them.

use axum::Json;
use http::{HeaderMap, StatusCode};
use ig_core::audit::{DecisionStatus, SkipReason};
use ig_core::id::{EventId, SourceId};
use ig_store::AuditFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Events, OrgQuery, Platform, Read, Tenant};
use crate::body::JsonBody;
use crate::document::{
    CheckedEvent, EventEntry, EventList, Listing as _, Push, PushAnswer, PushAnswers, PushStatus, Pushed, event_id,
};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::pushing;
use crate::query::{Asked, OneOf, Paging, from_moment, named, to_moment};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

type Statuses = OneOf<DecisionStatus>;
type Reasons = OneOf<SkipReason>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, push))
        .routes(routes!(list_of_nobody))
}

/// Pushes one event, or up to 1,000 of them: answered when they are durable, delivered from then on.
///
/// One that is not valid refuses the whole request. The same id with the same content is a DUPLICATE and accepted once; with
/// another content it is a CONFLICT: the answer 409 to a single event, a status among several.
#[utoipa::path(
    post,
    path = "/events",
    tag = "events",
    params(OrgQuery, ("Idempotency-Key" = Option<String>, Header, description = "The id of a single event that names none")),
    request_body = Push,
    responses((status = 202, description = "What became of the event, or of each of them", body = PushAnswers)),
)]
async fn push(Tenant { org, gateway, .. }: Tenant<Events>, headers: HeaderMap, body: JsonBody) -> Result<Accepted, ApiError> {
    match Pushed::read(&body)? {
        Pushed::One(event) => {
            let event = identified(event, &headers)?;
            let answers = pushing::accept(&gateway, org, vec![event], |_| String::new()).await?;
            answers.into_iter().next().map_or_else(|| Err(ApiError::internal()), one)
        }
        Pushed::Many(_) if headers.contains_key(IDEMPOTENCY_KEY) => Err(ApiError::parameter(
            "Idempotency-Key",
            "is for a single event; several name their ids",
        )),
        Pushed::Many(events) => {
            let events = pushing::accept(&gateway, org, events, |at| format!("/{at}")).await?;
            Ok(accepted(PushAnswers::Many { events }))
        }
    }
}

type Accepted = (StatusCode, Json<PushAnswers>);

fn accepted(answers: PushAnswers) -> Accepted {
    (StatusCode::ACCEPTED, Json(answers))
}

fn one(answer: PushAnswer) -> Result<Accepted, ApiError> {
    match answer.status {
        PushStatus::Accepted | PushStatus::Duplicate => Ok(accepted(PushAnswers::One(answer))),
        PushStatus::Conflict => Err(ApiError::new(ErrorCode::Conflict, "Another event has this id already")),
    }
}

/// An event that names no id has that of the header.
fn identified(event: CheckedEvent, headers: &HeaderMap) -> Result<CheckedEvent, ApiError> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(event);
    };
    let wrong = |message: &str| ApiError::parameter("Idempotency-Key", message);
    let key = key.to_str().map_err(|_| wrong("must be printable ASCII"))?;
    let key = event_id(key).map_err(|_| wrong("must be 1 to 200 characters"))?;
    if event.id.as_ref().is_some_and(|id| *id != key) {
        return Err(wrong("differs from the event's id"));
    }
    Ok(CheckedEvent { id: Some(key), ..event })
}

/// Which events are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Filter {
    /// What was decided.
    #[param(value_type = Option<Statuses>, inline)]
    status: Option<String>,
    /// Why nobody got them.
    #[param(value_type = Option<Reasons>, inline)]
    reason: Option<String>,
    /// The source that they came from, such as `mysql` or `push`.
    source: Option<String>,
    /// Their identifier within their source; of pushed events the client's own, with or without its organisation before it.
    event_id: Option<String>,
    /// Their type.
    event_type: Option<String>,
    /// The first day, or moment.
    start_date: Option<String>,
    /// The last day, or the moment before which.
    end_date: Option<String>,
}

impl Filter {
    fn filter(self) -> Result<AuditFilter, ApiError> {
        let Self {
            status,
            reason,
            source,
            event_id,
            event_type,
            start_date,
            end_date,
        } = self;
        Ok(AuditFilter {
            source: source.map(SourceId::new),
            event_id: event_id.map(EventId::new),
            event_type: event_type.as_deref().map(path::event_type),
            status: named("status", status)?,
            reason: named("reason", reason)?,
            start: from_moment("startDate", start_date)?,
            end: to_moment("endDate", end_date)?,
        })
    }
}

/// Lists what was decided about events, the latest first.
#[utoipa::path(get, path = "/events", tag = "events", params(OrgQuery, Paging, Filter), responses((status = 200, body = EventList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Filter>,
) -> Result<Json<EventList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_audit().list(Some(org), &asked.filter()?, page).await?;
    Ok(Json(EventList::of(listed.map(EventEntry::from), page)))
}

/// Lists what was decided about events of no known organisation, and about sources that cannot be read, the latest first.
#[utoipa::path(get, path = "/admin/events", tag = "admin", params(Paging, Filter), responses((status = 200, body = EventList)))]
async fn list_of_nobody(
    Platform { gateway, .. }: Platform<Read>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Filter>,
) -> Result<Json<EventList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_audit().list(None, &asked.filter()?, page).await?;
    Ok(Json(EventList::of(listed.map(EventEntry::from), page)))
}
