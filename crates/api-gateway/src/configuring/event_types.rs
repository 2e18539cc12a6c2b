//! Event types.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use ig_store::Expected;
use ig_transform::TransformError;

use super::{changed_now, made_now};
use crate::document::{EventTypeDocument, FieldSchemaChange};
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

/// Whether an event type's schema is one.
pub(super) async fn check_schema(gateway: &Gateway, definition: &EventTypeDefinition) -> Result<(), ApiError> {
    let found = match gateway.schemas().check(definition).await {
        Ok(faults) => faults,
        Err(TransformError::Refused(refusal) | TransformError::Disabled(refusal, _)) => Faults::one("", refusal.to_string()),
        Err(TransformError::Unavailable(reason)) => {
            tracing::warn!(reason, "schemas cannot be checked");
            return Err(ApiError::unavailable("Schemas cannot be checked now, please try again"));
        }
    };
    let mut faults = Faults::default();
    faults.absorb("/schema", found);
    Ok(faults.into_result(())?)
}

async fn put(gateway: &Gateway, definition: EventTypeDefinition, expected: Expected) -> Result<EventTypeDefinition, ApiError> {
    check_schema(gateway, &definition).await?;
    let revision = gateway
        .commit(Change::PutEventType(Arc::new(definition.clone())), expected)
        .await?;
    Ok(EventTypeDefinition { revision, ..definition })
}

/// Sets what the fields of a kind of event are known from; one that is not defined yet is.
pub(crate) async fn put_fields(
    gateway: &Gateway,
    org: OrgId,
    event_type: EventType,
    change: FieldSchemaChange,
    seen: IfMatch,
) -> Result<EventTypeDefinition, ApiError> {
    let found = gateway.store().event_types().get(org, &event_type).await?;
    let Some(stored) = found else {
        let named = EventTypeDocument::of_name(event_type.as_str());
        let made = named.into_domain(org, checked_name(&event_type)?, made_now())?;
        return put(gateway, change.apply(made)?, Expected::New).await;
    };
    let expected = seen.against(change.revision, stored.revision)?;
    let updated_at = changed_now(stored.created_at).updated_at;
    let definition = change.apply(EventTypeDefinition { updated_at, ..stored })?;
    put(gateway, definition, expected).await
}

/// Forgets the schema of a kind of event, which stays defined; payloads are no longer looked at.
pub(crate) async fn forget_schema(gateway: &Gateway, org: OrgId, event_type: &EventType, seen: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, org, event_type).await?;
    let expected = seen.against(None, stored.revision)?;
    let updated_at = changed_now(stored.created_at).updated_at;
    let without = EventTypeDefinition {
        schema: None,
        validation: Validation::Off,
        updated_at,
        ..stored
    };
    put(gateway, without, expected).await.map(drop)
}

/// A name in a path keeps the laws of names when something is made under it.
fn checked_name(event_type: &EventType) -> Result<EventType, ApiError> {
    let named = EventTypeDocument::of_name(event_type.as_str()).named();
    named.map_err(|faults| {
        let message = faults.list().first().map(|fault| fault.message.clone()).unwrap_or_default();
        ApiError::parameter("eventType", message)
    })
}
