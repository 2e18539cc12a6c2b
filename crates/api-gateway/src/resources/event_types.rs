//! Event types.

use ig_core::clock::Timestamp;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use ig_store::Expected;
use ig_transform::TransformError;

use super::resource::{self, Resource, checked_commit};
use super::{creation_stamp, update_stamp};
use crate::document::{EventTypeDocument, FieldSchemaChange};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use crate::path;

impl Resource for EventTypeDefinition {
    type Document = EventTypeDocument;

    const NAME: &'static str = "Event type";

    fn parse_id(text: &str) -> Result<EventType, ApiError> {
        Ok(path::event_type(text))
    }

    fn new_id(document: &EventTypeDocument, _: Timestamp) -> Result<EventType, ApiError> {
        Ok(document.named()?)
    }

    async fn check(&self, gateway: &Gateway) -> Result<(), ApiError> {
        let found = match gateway.schemas().check(self).await {
            Ok(faults) => faults,
            Err(TransformError::Refused(refusal) | TransformError::Disabled(refusal, _)) => {
                Faults::single("", refusal.to_string())
            }
            Err(TransformError::Unavailable(reason)) => {
                tracing::warn!(reason, "schemas cannot be checked");
                return Err(ApiError::unavailable("Schemas cannot be checked now, please try again"));
            }
        };
        let mut faults = Faults::default();
        faults.add_below("/schema", found);
        Ok(faults.into_result(())?)
    }
}

/// Sets the schema and sample of an event type, and defines the type if needed.
pub(crate) async fn put_fields(
    gateway: &Gateway,
    org: OrgId,
    event_type: EventType,
    change: FieldSchemaChange,
    if_match: IfMatch,
) -> Result<EventTypeDefinition, ApiError> {
    let Some(stored) = resource::get_existing::<EventTypeDefinition>(gateway, org, &event_type).await? else {
        let document = EventTypeDocument::of_name(event_type.as_str());
        let definition = EventTypeDefinition::from_document(document, org, parse_name(&event_type)?, creation_stamp())?;
        return checked_commit(gateway, change.apply(definition)?, Expected::New).await;
    };
    let expected = if_match.against(change.revision, stored.revision)?;
    let updated_at = update_stamp(stored.created_at).updated_at;
    let definition = change.apply(EventTypeDefinition { updated_at, ..stored })?;
    checked_commit(gateway, definition, expected).await
}

/// Removes the schema of an event type, which stays defined; its payloads are no longer validated.
pub(crate) async fn remove_schema(
    gateway: &Gateway,
    org: OrgId,
    event_type: &EventType,
    if_match: IfMatch,
) -> Result<(), ApiError> {
    let stored: EventTypeDefinition = resource::get(gateway, org, event_type).await?;
    let expected = if_match.against(None, stored.revision)?;
    let updated_at = update_stamp(stored.created_at).updated_at;
    let without = EventTypeDefinition {
        schema: None,
        validation: Validation::Off,
        updated_at,
        ..stored
    };
    checked_commit(gateway, without, expected).await.map(drop)
}

/// Checks a name from a path before something is created under it.
fn parse_name(event_type: &EventType) -> Result<EventType, ApiError> {
    let named = EventTypeDocument::of_name(event_type.as_str()).named();
    named.map_err(|faults| {
        let message = faults.list().first().map(|fault| fault.message.clone()).unwrap_or_default();
        ApiError::parameter("eventType", message)
    })
}
