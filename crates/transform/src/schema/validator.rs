//! Validates payloads by the configuration of their event type.
//!
//! A schema is a program of a tenant, and its running time cannot be predicted. So schemas run where scripts run, in workers that are
//! shared fairly and can be killed.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use parking_lot::Mutex;
use serde_json::Value;

use super::report::ValidationReport;
use crate::script::{
    Call, MAX_DEADLINE, NoLookups, Purpose, RunContext, Script, ScriptEngine, ScriptError, ScriptFault, ScriptValue,
};
use crate::transformer::TransformError;

/// The most hashed schemas that are cached; beyond that all are hashed again.
const MAX_CACHED: usize = 1_000;

/// What happens to an event because of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The payload is valid, or is not validated.
    Fine,
    /// The event is accepted although its payload has these faults.
    Warn(Faults),
    /// The event is rejected because its payload has these faults.
    Reject(Faults),
}

impl Verdict {
    fn of(faults: Faults, validation: Validation) -> Self {
        match validation {
            _ if faults.is_empty() => Self::Fine,
            Validation::Off => Self::Fine,
            Validation::Warn => Self::Warn(faults),
            Validation::Reject => Self::Reject(faults),
        }
    }
}

/// A hashed schema, and the revision of its event type.
type CachedSchema = (u64, Script);

/// Validates payloads against the schemas of event types.
pub struct PayloadSchemas {
    engine: Arc<dyn ScriptEngine>,
    cached: Mutex<HashMap<(OrgId, EventType), CachedSchema>>,
}

impl fmt::Debug for PayloadSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadSchemas").finish_non_exhaustive()
    }
}

impl PayloadSchemas {
    /// Runs the schemas on `engine`.
    pub fn new(engine: Arc<dyn ScriptEngine>) -> Self {
        Self {
            engine,
            cached: Mutex::default(),
        }
    }

    /// Validates a payload, as JSON text, by the definition of its event type. After an error nothing is known about the payload.
    ///
    /// A payload is invalid when its validation takes more time or memory than a run may use. A schema that does not compile rejects no
    /// event: it was checked when it was saved, so this is a fault of the platform.
    pub async fn validate(
        &self,
        definition: &EventTypeDefinition,
        payload: &[u8],
        purpose: Purpose,
    ) -> Result<Verdict, TransformError> {
        let Some(schema) = definition.enforced_schema() else {
            return Ok(Verdict::Fine);
        };
        let script = self.hashed(definition, schema);
        Ok(match self.run(definition, &script, payload, purpose).await? {
            Ok(ValidationReport::Validated(faults)) => Verdict::of(faults, definition.validation),
            Ok(ValidationReport::UnusableSchema(faults)) => Verdict::Warn(faults),
            Err(exceeded) => Verdict::of(exceeded, definition.validation),
        })
    }

    /// Checks the schema of an event type; the faults point into the schema.
    pub async fn check(&self, definition: &EventTypeDefinition) -> Result<Faults, TransformError> {
        let Some(schema) = &definition.schema else {
            return Ok(Faults::default());
        };
        let script = Script::schema(schema);
        Ok(match self.run(definition, &script, b"null", Purpose::Trial).await? {
            Ok(ValidationReport::Validated(_)) => Faults::default(),
            Ok(ValidationReport::UnusableSchema(faults)) | Err(faults) => faults,
        })
    }

    /// The event type of an organisation whose schema has this hash, if it was used lately.
    pub fn event_type_of(&self, org: OrgId, hash: &str) -> Option<EventType> {
        let cached = self.cached.lock();
        let mut of_org = cached.iter().filter(|((owner, _), _)| *owner == org);
        let found = of_org.find(|(_, (_, script))| &**script.hash() == hash);
        found.map(|((_, event_type), _)| event_type.clone())
    }

    async fn run(
        &self,
        definition: &EventTypeDefinition,
        script: &Script,
        payload: &[u8],
        purpose: Purpose,
    ) -> Result<Result<ValidationReport, Faults>, TransformError> {
        let context = context(definition);
        let call = Call {
            deadline: MAX_DEADLINE,
            purpose,
            ..Call::new(script, payload, &context, &NoLookups)
        };
        match self.engine.run(call).await {
            Ok(outcome) => Ok(Ok(report(&outcome.value))),
            Err(error) => limit_faults(error).map(Err),
        }
    }

    fn hashed(&self, definition: &EventTypeDefinition, schema: &Value) -> Script {
        let mut cached = self.cached.lock();
        let key = (definition.org_id, definition.event_type.clone());
        if let Some((revision, script)) = cached.get(&key)
            && *revision == definition.revision
        {
            return script.clone();
        }
        if cached.len() >= MAX_CACHED {
            cached.clear();
        }
        let script = Script::schema(schema);
        cached.insert(key, (definition.revision, script.clone()));
        script
    }
}

fn context(definition: &EventTypeDefinition) -> RunContext {
    RunContext {
        event_type: definition.event_type.to_string(),
        org: definition.org_id,
        tenant_id: definition.org_id.0,
        integration_id: String::new(),
        now: DateTime::UNIX_EPOCH,
    }
}

fn report(value: &ScriptValue) -> ValidationReport {
    let read = match value {
        ScriptValue::Output(json) => ValidationReport::from_json(json),
        ScriptValue::Skipped | ScriptValue::Bool(_) => None,
    };
    read.unwrap_or_else(|| ValidationReport::UnusableSchema(Faults::single("", "was not judged: its answer cannot be read")))
}

/// The faults of a payload whose validation was stopped.
fn limit_faults(error: ScriptError) -> Result<Faults, TransformError> {
    let reason = match error.fault {
        ScriptFault::Timeout => "takes too long to be held against its schema",
        ScriptFault::Memory => "needs too much memory to be held against its schema",
        ScriptFault::Limit => "is too large to be held against its schema, or its schema is",
        ScriptFault::Syntax | ScriptFault::Error => "cannot be held against its schema",
        ScriptFault::Disabled | ScriptFault::Unavailable => return Err(error.into()),
    };
    let message = format!("{reason} ({}); make the schema simpler or the payload smaller", error.message);
    Ok(Faults::single("", message))
}
