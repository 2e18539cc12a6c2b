//! Payloads judged by what is configured for their event type, with each schema compiled once.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use parking_lot::Mutex;
use serde_json::Value;

use super::PayloadSchema;

/// Schemas remembered at once; beyond that they are compiled anew.
const MOST: usize = 1_000;

/// What is to become of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its payload keeps to the schema, or is held against none.
    Fine,
    /// It is taken although its payload has these faults.
    Warn(Faults),
    /// It is not taken, because its payload has these faults.
    Reject(Faults),
}

/// A schema, and the revision of the event type that it is of.
type Compiled = (u64, Arc<PayloadSchema>);

/// Compiled schemas of event types, each as of the revision that it was compiled at.
#[derive(Debug, Default)]
pub struct PayloadSchemas {
    compiled: Mutex<HashMap<(OrgId, EventType), Compiled>>,
}

impl PayloadSchemas {
    /// Judges a payload by the definition of its event type.
    ///
    /// A schema that cannot be compiled holds nothing up: it was checked when it was saved, so this is a fault of ours.
    pub fn judge(&self, definition: &EventTypeDefinition, payload: &Value) -> Verdict {
        let Some(schema) = definition.enforced_schema() else {
            return Verdict::Fine;
        };
        let checked = match self.compiled(definition, schema) {
            Ok(schema) => schema.check(payload),
            Err(faults) => return Verdict::Warn(faults),
        };
        match (checked, definition.validation) {
            (Ok(()), _) | (Err(_), Validation::Off) => Verdict::Fine,
            (Err(faults), Validation::Warn) => Verdict::Warn(faults),
            (Err(faults), Validation::Reject) => Verdict::Reject(faults),
        }
    }

    fn compiled(&self, definition: &EventTypeDefinition, schema: &Value) -> Result<Arc<PayloadSchema>, Faults> {
        let key = (definition.org_id, definition.event_type.clone());
        if let Some((revision, compiled)) = self.compiled.lock().get(&key)
            && *revision == definition.revision
        {
            return Ok(Arc::clone(compiled));
        }
        let compiled = Arc::new(PayloadSchema::compile(schema)?);
        let mut known = self.compiled.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, (definition.revision, Arc::clone(&compiled)));
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(validation: Validation, revision: u64, minimum: i64) -> EventTypeDefinition {
        EventTypeDefinition {
            org_id: OrgId(7),
            event_type: EventType::new("order"),
            description: None,
            sample_payload: None,
            schema: Some(json!({"minimum": minimum})),
            validation,
            revision,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_payload_is_judged_by_the_schema_as_it_is_configured_now() {
        let schemas = PayloadSchemas::default();
        let judge = |validation, revision, minimum| schemas.judge(&definition(validation, revision, minimum), &json!(5));
        assert_eq!(judge(Validation::Reject, 1, 5), Verdict::Fine);
        assert!(matches!(judge(Validation::Reject, 2, 6), Verdict::Reject(_)));
        assert!(matches!(judge(Validation::Warn, 3, 6), Verdict::Warn(_)));
        assert_eq!(judge(Validation::Off, 4, 6), Verdict::Fine);
    }
}
