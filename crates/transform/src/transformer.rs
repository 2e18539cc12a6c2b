//! Mappings, lookups and scripts behind one question: what becomes of this payload?

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::event::Payload;
use ig_core::id::{EventType, IntegrationId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, Resolved};
use ig_core::ports::Lookups;
use serde_json::Value;

use crate::compiled::CompiledSimple;
use crate::script::{Call, ConsoleLine, Host, Purpose, RunContext, ScriptEngine, ScriptKind, ScriptOutcome, ScriptValue};
use crate::shape::{CompiledCondition, CompiledScript, CompiledShape, How};

mod refusal;

pub use refusal::{Refusal, TransformError};

/// Gives payloads their shape. Clones share the engine and the tables.
#[derive(Clone)]
pub struct Transformer {
    scripts: Arc<dyn ScriptEngine>,
    lookups: Arc<dyn Lookups>,
    purpose: Purpose,
}

/// Whose payload it is, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The tenant.
    pub org_id: OrgId,
    /// The entity that the event is about.
    pub entity_rid: Rid,
    /// What it is shaped for.
    pub integration: IntegrationId,
    /// The event's type.
    pub event_type: &'a EventType,
    /// The time that scripts see.
    pub now: Timestamp,
}

/// What came of a question, and what scripts wrote to their console meanwhile.
#[derive(Debug)]
pub struct Told<T> {
    /// The answer.
    pub result: Result<T, TransformError>,
    /// The lines, each with its level before it.
    pub console: Vec<String>,
}

impl fmt::Debug for Transformer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transformer").finish_non_exhaustive()
    }
}

impl Transformer {
    /// A transformer over an engine and the lookup tables, for what organisations live on.
    pub fn new(scripts: Arc<dyn ScriptEngine>, lookups: Arc<dyn Lookups>) -> Self {
        let purpose = Purpose::Live;
        Self {
            scripts,
            lookups,
            purpose,
        }
    }

    /// The same for what organisations try out: it takes nothing from what they live on.
    #[must_use]
    pub fn on_trial(&self) -> Self {
        let purpose = Purpose::Trial;
        Self { purpose, ..self.clone() }
    }

    /// Gives a payload its shape; nothing where a script says that there is nothing to send.
    pub async fn shape(&self, shape: &CompiledShape, payload: &Payload, subject: &Subject<'_>) -> Told<Option<Bytes>> {
        let (result, console) = match &shape.how {
            How::Simple(simple) => (self.mapped(shape, simple, payload, subject).await.map(Some), Vec::new()),
            How::Script(script) => self.scripted(shape, script, payload, subject).await,
        };
        Told { result, console }
    }

    /// Whether a source of an organisation is a script of this kind; nothing of it runs.
    pub async fn check(&self, org: OrgId, source: &str, kind: ScriptKind) -> Result<(), TransformError> {
        self.scripts.check(org, source, kind).await.map_err(TransformError::from)
    }

    /// Whether a condition holds for a payload.
    pub async fn judge(&self, condition: &CompiledCondition, payload: &Payload, subject: &Subject<'_>) -> Told<bool> {
        let script = match condition {
            CompiledCondition::Filter(filter) => {
                return Told {
                    result: Ok(filter.matches(&payload.json)),
                    console: Vec::new(),
                };
            }
            CompiledCondition::Script(script) => script,
        };
        let (ran, console) = self.run(script, payload, subject).await;
        let result = ran.map(|value| match value {
            ScriptValue::Bool(holds) => holds,
            ScriptValue::Output(_) => true,
            ScriptValue::Skipped => false,
        });
        Told { result, console }
    }

    /// What a script returns for a payload; nothing where it returns null.
    pub async fn tell(&self, script: &CompiledScript, payload: &Payload, subject: &Subject<'_>) -> Told<Option<Value>> {
        let (ran, console) = self.run(script, payload, subject).await;
        let result = ran.and_then(|value| match value {
            ScriptValue::Output(text) => told(&text).map(Some),
            ScriptValue::Bool(value) => Ok(Some(Value::Bool(value))),
            ScriptValue::Skipped => Ok(None),
        });
        Told { result, console }
    }

    async fn mapped(
        &self,
        shape: &CompiledShape,
        simple: &CompiledSimple,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> Result<Bytes, TransformError> {
        let mut wanted = simple.wanted(&payload.json);
        wanted.extend(shape.lookups.wanted(&payload.json));
        let resolved = self.resolve(wanted, subject).await?;
        if shape.lookups.is_empty() {
            return Ok(simple.apply(payload, &resolved)?);
        }
        let output = simple.shape(&payload.json, &resolved)?;
        finished(shape, payload, output, &resolved)
    }

    async fn scripted(
        &self,
        shape: &CompiledShape,
        script: &CompiledScript,
        payload: &Payload,
        subject: &Subject<'_>,
    ) -> (Result<Option<Bytes>, TransformError>, Vec<String>) {
        let (ran, console) = self.run(script, payload, subject).await;
        let result = match ran {
            Ok(ScriptValue::Output(text)) => self.looked_up(shape, payload, text, subject).await.map(Some),
            Ok(ScriptValue::Bool(value)) => Ok(Some(Bytes::from(value.to_string()))),
            Ok(ScriptValue::Skipped) => Ok(None),
            Err(error) => Err(error),
        };
        (result, console)
    }

    /// Writes an integration's own lookups into what a script returned.
    async fn looked_up(
        &self,
        shape: &CompiledShape,
        payload: &Payload,
        text: Bytes,
        subject: &Subject<'_>,
    ) -> Result<Bytes, TransformError> {
        if shape.lookups.is_empty() {
            return Ok(text);
        }
        let resolved = self.resolve(shape.lookups.wanted(&payload.json), subject).await?;
        finished(shape, payload, told(&text)?, &resolved)
    }

    async fn resolve(&self, wanted: Vec<LookupKey>, subject: &Subject<'_>) -> Result<Resolved, TransformError> {
        if wanted.is_empty() {
            return Ok(Resolved::default());
        }
        let resolved = self.lookups.resolve(subject.org_id, subject.entity_rid, &wanted).await;
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
        let host = Tables {
            lookups: self.lookups.as_ref(),
            org: subject.org_id,
            entity: subject.entity_rid,
        };
        let call = Call {
            deadline: script.timeout,
            purpose: self.purpose,
            ..Call::new(&script.script, &payload.raw, &context, &host)
        };
        match self.scripts.run(call).await {
            Ok(ScriptOutcome { value, console, .. }) => (Ok(value), lines(console)),
            Err(mut error) => {
                let console = lines(std::mem::take(&mut error.console));
                (Err(error.into()), console)
            }
        }
    }
}

fn told(text: &[u8]) -> Result<Value, TransformError> {
    ig_core::json::parse(text)
        .map_err(|error| TransformError::Unavailable(format!("the script engine answered what is not JSON: {error}")))
}

/// The output with the integration's own lookups written into it.
fn finished(shape: &CompiledShape, payload: &Payload, mut output: Value, resolved: &Resolved) -> Result<Bytes, TransformError> {
    shape.lookups.apply(&payload.json, resolved, &mut output)?;
    Ok(Bytes::from(output.to_string()))
}

fn lines(console: Vec<ConsoleLine>) -> Vec<String> {
    console
        .into_iter()
        .map(|ConsoleLine { level, text }| format!("{}: {text}", level.name()))
        .collect()
}

/// One tenant's tables, as a script sees them.
struct Tables<'a> {
    lookups: &'a dyn Lookups,
    org: OrgId,
    entity: Rid,
}

#[async_trait]
impl Host for Tables<'_> {
    async fn lookup(&self, kind: &str, value: &str) -> Result<Option<Value>, String> {
        let Some(key) = LookupKey::of(&LookupType::new(kind), &Value::String(value.to_owned())) else {
            return Ok(None);
        };
        let resolved = self.lookups.resolve(self.org, self.entity, std::slice::from_ref(&key)).await;
        let mut resolved = resolved.map_err(|error| error.to_string())?;
        Ok(resolved.remove(&key).map(|side| Value::String(side.id.clone())))
    }
}
