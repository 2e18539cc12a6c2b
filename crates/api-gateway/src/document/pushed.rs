//! Pushed events and their results.

use ig_core::fault::Faults;
use ig_core::id::{EventId, EventType, Rid};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::body::{JsonBody, Validated as _, validated};
use crate::error::{ApiError, Detail};
use ig_documents::text::{self, collect_faults, line};

/// The most events in one request.
const MAX_EVENTS: usize = 1_000;
const MAX_ID_LENGTH: usize = 200;

/// An event to deliver.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PushedEvent {
    /// The event's permanent identifier: the same event pushed again is accepted once. Generated where absent.
    pub id: Option<String>,
    /// The event type.
    pub event_type: String,
    /// The entity that the event is about: the organisation (the default), or the rid of one of its units.
    pub entity_rid: Option<i64>,
    /// The payload: any JSON, delivered byte for byte where nothing transforms it.
    #[schema(value_type = Value)]
    pub payload: Box<RawValue>,
}
validated!(PushedEvent);

/// One event, or up to 1,000 of them.
pub(crate) struct Push;

impl PartialSchema for Push {
    fn schema() -> RefOr<Schema> {
        let one = Ref::from_schema_name("PushedEvent");
        let list = ArrayBuilder::new()
            .items(one.clone())
            .min_items(Some(1))
            .max_items(Some(MAX_EVENTS));
        OneOfBuilder::new().item(one).item(list).into()
    }
}

impl ToSchema for Push {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PushedEvent::name().into_owned(), PushedEvent::schema()));
    }
}

/// The result for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PushStatus {
    /// The event is stored and will be delivered.
    Accepted,
    /// The same event was accepted before.
    Duplicate,
    /// Another event has this identifier; nothing was accepted.
    Conflict,
}

/// The result for one event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PushAnswer {
    /// The event's identifier.
    pub id: String,
    /// The result.
    pub status: PushStatus,
    /// Violations of its event type's schema, where the schema only warns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Detail>,
}

/// The result for one event, or the results for several in order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PushAnswers {
    /// A single result.
    One(PushAnswer),
    /// A list of results.
    Many {
        /// The results, in the order of the events.
        events: Vec<PushAnswer>,
    },
}

/// A validated event.
#[derive(Debug)]
pub(crate) struct CheckedEvent {
    pub id: Option<EventId>,
    pub event_type: EventType,
    pub entity_rid: Option<Rid>,
    pub payload: Box<RawValue>,
}

/// The events of one request.
#[derive(Debug)]
pub(crate) enum PushBody {
    /// A single event.
    One(CheckedEvent),
    /// A list of events.
    Many(Vec<CheckedEvent>),
}

impl PushBody {
    /// Reads one event or a list of them. Payloads keep the exact bytes of the request.
    pub(crate) fn parse(body: &JsonBody) -> Result<Self, ApiError> {
        let unreadable = |error: serde_json::Error| ApiError::fault("", error.to_string());
        let Value::Array(items) = &body.value else {
            PushedEvent::compiled_schema().check(&body.value)?;
            let event: PushedEvent = serde_json::from_slice(&body.bytes).map_err(unreadable)?;
            return Ok(Self::One(event.validate()?));
        };
        check_schemas(items)?;
        let events: Vec<PushedEvent> = serde_json::from_slice(&body.bytes).map_err(unreadable)?;
        let mut faults = Faults::default();
        let numbered = events.into_iter().enumerate();
        let checked = numbered
            .filter_map(|(at, event)| collect_faults(&mut faults, &format!("/{at}"), event.validate()))
            .collect();
        Ok(Self::Many(faults.into_result(checked)?))
    }
}

fn check_schemas(items: &[Value]) -> Result<(), Faults> {
    if items.is_empty() || items.len() > MAX_EVENTS {
        return Err(Faults::single("", format!("must hold 1 to {MAX_EVENTS} events")));
    }
    let mut faults = Faults::default();
    for (at, item) in items.iter().enumerate() {
        collect_faults(&mut faults, &format!("/{at}"), PushedEvent::compiled_schema().check(item));
    }
    faults.into_result(())
}

impl PushedEvent {
    fn validate(self) -> Result<CheckedEvent, Faults> {
        let Self {
            id,
            event_type,
            entity_rid,
            payload,
        } = self;
        let mut faults = Faults::default();
        let id = id.and_then(|id| collect_faults(&mut faults, "/id", event_id(&id)));
        let event_type = collect_faults(&mut faults, "/eventType", text::event_type(&event_type));
        let entity_rid = entity_rid.and_then(|rid| collect_faults(&mut faults, "/entityRid", text::rid(rid)));
        let event_type = event_type.unwrap_or_else(|| EventType::new(""));
        faults.into_result(CheckedEvent {
            id,
            event_type,
            entity_rid,
            payload,
        })
    }
}

/// An event identifier, as clients choose it.
pub(crate) fn event_id(id: &str) -> Result<EventId, Faults> {
    if id.is_empty() {
        return Err(Faults::single("", "must not be empty"));
    }
    line(id, MAX_ID_LENGTH).map(EventId::new)
}
