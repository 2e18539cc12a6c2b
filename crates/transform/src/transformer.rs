//! Mappings, lookups and scripts behind one interface.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::event::Payload;
use ig_core::id::{EventType, IntegrationId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, ResolvedLookups};
use ig_core::ports::Lookups;
use serde_json::Value;

use crate::compiled::CompiledSimple;
use crate::script::{
    Call, ConsoleLine, Purpose, RunContext, ScriptEngine, ScriptKind, ScriptLookups, ScriptOutcome, ScriptValue,
};
use crate::shape::{CompiledCondition, CompiledScript, CompiledShape, CompiledTransform};

mod refusal;

pub use refusal::{Refusal, TransformError};

/// Shapes payloads. Clones share the engine and the lookup tables.
#[derive(Clone)]
pub struct Transformer {
    scripts: Arc<dyn ScriptEngine>,
    lookups: Arc<dyn Lookups>,
    purpose: Purpose,
}

/// The tenant, integration and event that a payload is shaped for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The tenant.
    pub org_id: OrgId,
    /// The entity that the event is about.
    pub entity_rid: Rid,
    /// The integration that the payload is shaped for.
    pub integration: IntegrationId,
    /// The event's type.
    pub event_type: &'a EventType,
    /// The time that scripts see.
    pub now: Timestamp,
}

/// A result, with the console output of the scripts that ran for it.
#[derive(Debug)]
pub struct WithConsole<T> {
    /// The result.
    pub result: Result<T, TransformError>,
    /// The console lines, each prefixed with its level.
    pub console: Vec<String>,
}

impl fmt::Debug for Transformer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transformer").finish_non_exhaustive()
    }
}

impl Transformer {
    /// A transformer for live payloads.
    pub fn new(scripts: Arc<dyn ScriptEngine>, lookups: Arc<dyn Lookups>) -> Self {
        let purpose = Purpose::Live;
        Self {
            scripts,
            lookups,
            purpose,
        }
    }

    /// The same for trials, which take no capacity from live payloads.
    #[must_use]
    pub fn on_trial(&self) -> Self {
        let purpose = Purpose::Trial;
        Self { purpose, ..self.clone() }
    }

    /// Shapes a payload; `None` when its script skips it.
    pub async fn shape(&self, shape: &CompiledShape, payload: &Payload, subject: &Subject<'_>) -> WithConsole<Option<Bytes>> {
        let (result, console) = match &shape.transform {
            CompiledTransform::Simple(simple) => (self.apply_rules(shape, simple, payload, subject).await.map(Some), Vec::new()),
            CompiledTransform::Script(script) => self.apply_script(shape, script, payload, subject).await,
        };
        WithConsole { result, console }
    }

    /// Checks that a source of an organisation is a script of this kind, without running it.
    pub async fn check(&self, org: OrgId, source: &str, kind: ScriptKind) -> Result<(), TransformError> {
        self.scripts.check(org, source, kind).await.map_err(TransformError::from)
    }

    /// Whether a condition holds for a payload.
    pub async fn evaluate_condition(
        &self,
        condition: &CompiledCondition,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> WithConsole<bool> {
        let script = match condition {
            CompiledCondition::Filter(filter) => {
                return WithConsole {
                    result: Ok(filter.matches(&payload.json)),
                    console: Vec::new(),
                };
            }
            CompiledCondition::Script(script) => script,
        };
        let (value, console) = self.run(script, payload, subject).await;
        let result = value.map(|value| match value {
            ScriptValue::Bool(holds) => holds,
            ScriptValue::Output(_) => true,
            ScriptValue::Skipped => false,
        });
        WithConsole { result, console }
    }

    /// What a script returns for a payload; `None` for null.
    pub async fn evaluate_script(
        &self,
        script: &CompiledScript,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> WithConsole<Option<Value>> {
        let (value, console) = self.run(script, payload, subject).await;
        let result = value.and_then(|value| match value {
            ScriptValue::Output(text) => parse_output(&text).map(Some),
            ScriptValue::Bool(value) => Ok(Some(Value::Bool(value))),
            ScriptValue::Skipped => Ok(None),
        });
        WithConsole { result, console }
    }

    async fn apply_rules(
        &self,
        shape: &CompiledShape,
        simple: &CompiledSimple,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> Result<Bytes, TransformError> {
        let mut keys = simple.lookup_keys(&payload.json);
        keys.extend(shape.lookups.lookup_keys(&payload.json));
        let resolved = self.resolve(keys, subject).await?;
        if shape.lookups.is_empty() {
            return Ok(simple.apply(payload, &resolved)?);
        }
        let output = simple.shape(&payload.json, &resolved)?;
        with_lookups(shape, payload, output, &resolved)
    }

    async fn apply_script(
        &self,
        shape: &CompiledShape,
        script: &CompiledScript,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> (Result<Option<Bytes>, TransformError>, Vec<String>) {
        let (value, console) = self.run(script, payload, subject).await;
        let result = match value {
            Ok(ScriptValue::Output(text)) => self.apply_lookups(shape, payload, text, subject).await.map(Some),
            Ok(ScriptValue::Bool(value)) => Ok(Some(Bytes::from(value.to_string()))),
            Ok(ScriptValue::Skipped) => Ok(None),
            Err(error) => Err(error),
        };
        (result, console)
    }

    /// Applies an integration's lookups to what a script returned.
    async fn apply_lookups(
        &self,
        shape: &CompiledShape,
        payload: &Payload,
        text: Bytes,
        subject: &Subject<'_>,
    ) -> Result<Bytes, TransformError> {
        if shape.lookups.is_empty() {
            return Ok(text);
        }
        let resolved = self.resolve(shape.lookups.lookup_keys(&payload.json), subject).await?;
        with_lookups(shape, payload, parse_output(&text)?, &resolved)
    }

    async fn resolve(&self, keys: Vec<LookupKey>, subject: &Subject<'_>) -> Result<ResolvedLookups, TransformError> {
        if keys.is_empty() {
            return Ok(ResolvedLookups::default());
        }
        let resolved = self.lookups.resolve(subject.org_id, subject.entity_rid, &keys).await;
        resolved.map_err(|error| TransformError::Unavailable(format!("lookup tables: {error}")))
    }

    async fn run(
        &self,
        script: &CompiledScript,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> (Result<ScriptValue, TransformError>, Vec<String>) {
        let context = RunContext {
            event_type: subject.event_type.to_string(),
            org: subject.org_id,
            tenant_id: subject.entity_rid.0,
            integration_id: subject.integration.to_string(),
            now: subject.now,
        };
        let lookups = TenantLookups {
            lookups: self.lookups.as_ref(),
            org: subject.org_id,
            entity: subject.entity_rid,
        };
        let call = Call {
            deadline: script.timeout,
            purpose: self.purpose,
            ..Call::new(&script.script, &payload.raw, &context, &lookups)
        };
        match self.scripts.run(call).await {
            Ok(ScriptOutcome { value, console, .. }) => (Ok(value), format_lines(console)),
            Err(mut error) => {
                let console = format_lines(std::mem::take(&mut error.console));
                (Err(error.into()), console)
            }
        }
    }
}

fn parse_output(text: &[u8]) -> Result<Value, TransformError> {
    ig_core::json::parse(text)
        .map_err(|error| TransformError::Unavailable(format!("the script engine answered what is not JSON: {error}")))
}

/// The bytes of an output after the integration's lookups.
fn with_lookups(
    shape: &CompiledShape,
    payload: &Payload,
    mut output: Value,
    resolved: &ResolvedLookups,
) -> Result<Bytes, TransformError> {
    shape.lookups.apply(&payload.json, resolved, &mut output)?;
    Ok(Bytes::from(output.to_string()))
}

fn format_lines(console: Vec<ConsoleLine>) -> Vec<String> {
    console
        .into_iter()
        .map(|ConsoleLine { level, text }| format!("{}: {text}", level.name()))
        .collect()
}

/// One tenant's lookup tables, as a script sees them.
struct TenantLookups<'a> {
    lookups: &'a dyn Lookups,
    org: OrgId,
    entity: Rid,
}

#[async_trait]
impl ScriptLookups for TenantLookups<'_> {
    async fn lookup(&self, kind: &str, value: &str) -> Result<Option<Value>, String> {
        let Some(key) = LookupKey::of(&LookupType::new(kind), &Value::String(value.to_owned())) else {
            return Ok(None);
        };
        let resolved = self.lookups.resolve(self.org, self.entity, std::slice::from_ref(&key)).await;
        let mut resolved = resolved.map_err(|error| error.to_string())?;
        Ok(resolved.remove(&key).map(|side| Value::String(side.id.clone())))
    }
}
