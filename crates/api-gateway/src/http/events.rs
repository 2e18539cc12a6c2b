//! `/events`: pushing events, and the decisions about them.

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
    CheckedEvent, EventEntry, EventList, Listing as _, Push, PushAnswer, PushAnswers, PushBody, PushStatus, event_id,
};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::pushing;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_name, parse_start};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

type Statuses = OneOf<DecisionStatus>;
type Reasons = OneOf<SkipReason>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, push))
        .routes(routes!(list_of_nobody))
}

/// Pushes one event or up to 1,000 of them: acknowledged when durable, delivered from then on.
///
/// One invalid event refuses the whole request. The same id with the same content is a DUPLICATE and accepted once; with different
/// content it is a CONFLICT: status 409 for a single event, an item status within a batch.
#[utoipa::path(
    post,
    path = "/events",
    tag = "events",
    params(OrgQuery, ("Idempotency-Key" = Option<String>, Header, description = "The id of a single event that names none")),
    request_body = Push,
    responses((status = 202, description = "What became of the event, or of each of them", body = PushAnswers)),
)]
async fn push(Tenant { org, gateway, .. }: Tenant<Events>, headers: HeaderMap, body: JsonBody) -> Result<Accepted, ApiError> {
    match PushBody::parse(&body)? {
        PushBody::One(event) => {
            let event = with_idempotency_key(event, &headers)?;
            let answers = pushing::accept(&gateway, org, vec![event], |_| String::new()).await?;
            answers
                .into_iter()
                .next()
                .map_or_else(|| Err(ApiError::internal()), single_response)
        }
        PushBody::Many(_) if headers.contains_key(IDEMPOTENCY_KEY) => Err(ApiError::parameter(
            "Idempotency-Key",
            "is for a single event; several name their ids",
        )),
        PushBody::Many(events) => {
            let events = pushing::accept(&gateway, org, events, |at| format!("/{at}")).await?;
            Ok(accepted(PushAnswers::Many { events }))
        }
    }
}

type Accepted = (StatusCode, Json<PushAnswers>);

fn accepted(answers: PushAnswers) -> Accepted {
    (StatusCode::ACCEPTED, Json(answers))
}

fn single_response(answer: PushAnswer) -> Result<Accepted, ApiError> {
    match answer.status {
        PushStatus::Accepted | PushStatus::Duplicate => Ok(accepted(PushAnswers::One(answer))),
        PushStatus::Conflict => Err(ApiError::new(ErrorCode::Conflict, "Another event has this id already")),
    }
}

/// An event without an id takes the one in the header.
fn with_idempotency_key(event: CheckedEvent, headers: &HeaderMap) -> Result<CheckedEvent, ApiError> {
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

/// Selects event decisions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The decision.
    #[param(value_type = Option<Statuses>, inline)]
    status: Option<String>,
    /// Why the event was not delivered to any integration.
    #[param(value_type = Option<Reasons>, inline)]
    reason: Option<String>,
    /// The source of the event, such as `mysql` or `push`.
    source: Option<String>,
    /// The event id within its source; for a pushed event the client's own id, with or without the organisation prefix.
    event_id: Option<String>,
    /// The event type.
    event_type: Option<String>,
    /// The first day or moment.
    start_date: Option<String>,
    /// The last day (inclusive) or moment (exclusive).
    end_date: Option<String>,
}

impl ListQuery {
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
            status: parse_name("status", status)?,
            reason: parse_name("reason", reason)?,
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
        })
    }
}

/// Lists decisions about events, the latest first.
#[utoipa::path(get, path = "/events", tag = "events", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = EventList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<EventList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_audit().list(Some(org), &query.filter()?, page).await?;
    Ok(Json(EventList::of(listed.map(EventEntry::from), page)))
}

/// Lists decisions about events of unknown organisations and about unreadable sources, the latest first.
#[utoipa::path(get, path = "/admin/events", tag = "admin", params(Paging, ListQuery), responses((status = 200, body = EventList)))]
async fn list_of_nobody(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<EventList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_audit().list(None, &query.filter()?, page).await?;
    Ok(Json(EventList::of(listed.map(EventEntry::from), page)))
}
