//! Payloads judged by what is configured for their event type.
//!
//! Schemas are tenants' programs: how long one takes over a payload only running it tells. So they run where scripts run, in workers that
//! are shared fairly and can be ended.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::fault::Faults;
use ig_core::id::{EventType, OrgId};
use parking_lot::Mutex;
use serde_json::Value;

use super::finding::Finding;
use crate::script::{
    Call, MAX_DEADLINE, NoLookups, Purpose, RunContext, Script, ScriptEngine, ScriptError, ScriptFault, ScriptValue,
};
use crate::transformer::TransformError;

/// Schemas remembered at once; beyond that they are made ready anew.
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

/// A schema, and the revision of the event type that it is of.
type Known = (u64, Script);

/// Schemas of event types, and who runs them.
pub struct PayloadSchemas {
    engine: Arc<dyn ScriptEngine>,
    known: Mutex<HashMap<(OrgId, EventType), Known>>,
}

impl fmt::Debug for PayloadSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadSchemas").finish_non_exhaustive()
    }
}

impl PayloadSchemas {
    /// Has schemas run by `engine`.
    pub fn new(engine: Arc<dyn ScriptEngine>) -> Self {
        Self {
            engine,
            known: Mutex::default(),
        }
    }

    /// Judges a payload, as JSON text, by the definition of its event type. An error says that nothing was found out about it.
    ///
    /// What cannot be held against its schema, because that takes more time or memory than a run may, does not keep to it. A schema that
    /// cannot be used holds nothing up: it was checked when it was saved, so this is a fault of ours.
    pub async fn judge(
        &self,
        definition: &EventTypeDefinition,
        payload: &[u8],
        purpose: Purpose,
    ) -> Result<Verdict, TransformError> {
        let Some(schema) = definition.enforced_schema() else {
            return Ok(Verdict::Fine);
        };
        let script = self.script(definition, schema);
        Ok(match self.find(definition, &script, payload, purpose).await? {
            Ok(Finding::Held(faults)) => Verdict::of(faults, definition.validation),
            Ok(Finding::Unusable(faults)) => Verdict::Warn(faults),
            Err(beyond) => Verdict::of(beyond, definition.validation),
        })
    }

    /// Whether an event type's schema can be used: its faults, by their places in the schema.
    pub async fn check(&self, definition: &EventTypeDefinition) -> Result<Faults, TransformError> {
        let Some(schema) = &definition.schema else {
            return Ok(Faults::default());
        };
        let script = Script::schema(schema);
        Ok(match self.find(definition, &script, b"null", Purpose::Trial).await? {
            Ok(Finding::Held(_)) => Faults::default(),
            Ok(Finding::Unusable(faults)) | Err(faults) => faults,
        })
    }

    /// The event type of an organisation whose schema has this hash, where it is one that was used lately.
    pub fn event_type_of(&self, org: OrgId, hash: &str) -> Option<EventType> {
        let known = self.known.lock();
        let mut of_org = known.iter().filter(|((owner, _), _)| *owner == org);
        let found = of_org.find(|(_, (_, script))| &**script.hash() == hash);
        found.map(|((_, event_type), _)| event_type.clone())
    }

    async fn find(
        &self,
        definition: &EventTypeDefinition,
        script: &Script,
        payload: &[u8],
        purpose: Purpose,
    ) -> Result<Result<Finding, Faults>, TransformError> {
        let context = context(definition);
        let call = Call {
            deadline: MAX_DEADLINE,
            purpose,
            ..Call::new(script, payload, &context, &NoLookups)
        };
        match self.engine.run(call).await {
            Ok(outcome) => Ok(Ok(found(&outcome.value))),
            Err(error) => beyond(error).map(Err),
        }
    }

    fn script(&self, definition: &EventTypeDefinition, schema: &Value) -> Script {
        let mut known = self.known.lock();
        let key = (definition.org_id, definition.event_type.clone());
        if let Some((revision, script)) = known.get(&key)
            && *revision == definition.revision
        {
            return script.clone();
        }
        if known.len() >= MOST {
            known.clear();
        }
        let script = Script::schema(schema);
        known.insert(key, (definition.revision, script.clone()));
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

fn found(value: &ScriptValue) -> Finding {
    let read = match value {
        ScriptValue::Output(json) => Finding::read(json),
        ScriptValue::Skipped | ScriptValue::Bool(_) => None,
    };
    read.unwrap_or_else(|| Finding::Unusable(Faults::one("", "was not judged: its answer cannot be read")))
}

/// What is wrong with a payload that could not be held against its schema.
fn beyond(error: ScriptError) -> Result<Faults, TransformError> {
    let reason = match error.fault {
        ScriptFault::Timeout => "takes too long to be held against its schema",
        ScriptFault::Memory => "needs too much memory to be held against its schema",
        ScriptFault::Limit => "is too large to be held against its schema, or its schema is",
        ScriptFault::Syntax | ScriptFault::Error => "cannot be held against its schema",
        ScriptFault::Disabled | ScriptFault::Unavailable => return Err(error.into()),
    };
    let message = format!("{reason} ({}); make the schema simpler or the payload smaller", error.message);
    Ok(Faults::one("", message))
}
