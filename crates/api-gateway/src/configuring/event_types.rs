//! Event types.

use ig_core::configuration::Change;
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, OrgId};
use ig_store::Expected;

use super::{changed_now, made_now};
use crate::document::EventTypeDocument;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;

/// One of an organisation's event types.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, event_type: &EventType) -> Result<EventTypeDefinition, ApiError> {
    let found = gateway.store().event_types().get(org, event_type).await?;
    found.ok_or_else(|| ApiError::not_found("Event type"))
}

/// Makes an event type.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: EventTypeDocument) -> Result<EventTypeDefinition, ApiError> {
    let name = document.named()?;
    let definition = document.into_domain(org, name, made_now())?;
    put(gateway, definition, Expected::New).await
}

/// Changes an event type into what the document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: EventTypeDefinition,
    document: EventTypeDocument,
    seen: IfMatch,
) -> Result<EventTypeDefinition, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let definition = document.into_domain(stored.org_id, stored.event_type, changed_now(stored.created_at))?;
    put(gateway, definition, expected).await
}

/// Deletes an event type; events of that name are still delivered.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, event_type: EventType, seen: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, org, &event_type).await?;
    let expected = seen.against(None, stored.revision)?;
    gateway
        .commit(Change::DeleteEventType(org, event_type), expected)
        .await
        .map(drop)
}

async fn put(gateway: &Gateway, definition: EventTypeDefinition, expected: Expected) -> Result<EventTypeDefinition, ApiError> {
    let revision = gateway.commit(Change::PutEventType(definition.clone()), expected).await?;
    Ok(EventTypeDefinition { revision, ..definition })
}
