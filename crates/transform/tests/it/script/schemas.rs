//! Schemas run under the limits of scripts.

use std::sync::Arc;

use chrono::DateTime;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::id::{EventType, OrgId};
use ig_transform::script::{PoolSettings, Purpose};
use ig_transform::{PayloadSchemas, TransformError, Verdict};
use serde_json::{Value, json};

use super::rig::{Rig, settings};

fn definition(org: i64, schema: Value, validation: Validation) -> EventTypeDefinition {
    EventTypeDefinition {
        org_id: OrgId(org),
        event_type: EventType::new("order"),
        description: None,
        sample_payload: None,
        schema: Some(schema),
        validation,
        revision: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn schemas(settings: PoolSettings) -> PayloadSchemas {
    PayloadSchemas::new(Arc::new(Rig::with(settings).pool))
}

/// A schema of few parts; each validates the one below it twice.
fn endless() -> Value {
    (0..60).fold(
        json!({"required": ["never"]}),
        |below, _| json!({"if": below, "then": true, "unevaluatedProperties": false}),
    )
}

async fn validate(
    schemas: &PayloadSchemas,
    definition: &EventTypeDefinition,
    payload: &Value,
) -> Result<Verdict, TransformError> {
    schemas
        .validate(definition, payload.to_string().as_bytes(), Purpose::Live)
        .await
}

fn faults(verdict: Verdict) -> Vec<(String, String)> {
    let (Verdict::Reject(faults) | Verdict::Warn(faults)) = verdict else {
        return Vec::new();
    };
    let faults = faults.list().iter();
    faults.map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

#[tokio::test]
async fn payload_is_validated_by_the_current_revision_of_its_schema() {
    let schemas = schemas(settings());
    let validate_with = async |validation, revision, minimum| {
        let definition = EventTypeDefinition {
            revision,
            ..definition(7, json!({"properties": {"n": {"minimum": minimum}}}), validation)
        };
        validate(&schemas, &definition, &json!({"n": 5})).await.unwrap()
    };
    assert_eq!(validate_with(Validation::Reject, 1, 5).await, Verdict::Fine);
    let rejected = validate_with(Validation::Reject, 2, 6).await;
    assert!(matches!(rejected, Verdict::Reject(_)));
    assert_eq!(
        faults(rejected),
        [("/n".to_owned(), "the value is less than the minimum of 6".to_owned())]
    );
    assert!(matches!(validate_with(Validation::Warn, 3, 6).await, Verdict::Warn(_)));
    assert_eq!(validate_with(Validation::Off, 4, 6).await, Verdict::Fine);
}

#[tokio::test]
async fn invalid_schema_has_fault_pointers_and_rejects_no_payload() {
    let schemas = schemas(settings());
    let broken = definition(7, json!({"properties": {"a": {"pattern": "("}}}), Validation::Reject);
    let faults = schemas.check(&broken).await.unwrap();
    assert_eq!(faults.list().len(), 1);
    assert_eq!(faults.list()[0].pointer, "/properties/a/pattern", "{faults}");
    assert!(matches!(validate(&schemas, &broken, &json!({})).await, Ok(Verdict::Warn(_))));
    let sound = definition(7, json!({"required": ["id"]}), Validation::Reject);
    assert!(schemas.check(&sound).await.unwrap().is_empty());
}

#[tokio::test]
async fn validation_that_takes_too_long_rejects_the_payload_until_the_schema_is_disabled() {
    let schemas = schemas(settings());
    let hostile = definition(7, endless(), Validation::Reject);
    for _ in 0..3 {
        let found = faults(validate(&schemas, &hostile, &json!({"a": 1})).await.unwrap());
        assert!(
            found[0].1.contains("takes too long to be held against its schema"),
            "{found:?}"
        );
    }
    let disabled = validate(&schemas, &hostile, &json!({"a": 1})).await;
    assert!(matches!(disabled, Err(TransformError::Disabled(..))), "{disabled:?}");
    let sound = definition(8, json!({"required": ["id"]}), Validation::Reject);
    assert_eq!(validate(&schemas, &sound, &json!({"id": 1})).await, Ok(Verdict::Fine));
}
