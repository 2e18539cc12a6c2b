//! What is asked of an engine.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::event::LARGEST_PAYLOAD;
use ig_core::id::OrgId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::engine::Host;
use super::limits::{DEFAULT_DEADLINE, MAX_INPUT_BYTES};

/// How a source is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScriptKind {
    /// The body of a function that returns the new payload.
    Transform,
    /// One expression, whose truth is the result.
    Expression,
}

/// What a source is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// JavaScript.
    JavaScript(ScriptKind),
    /// JSON Schema: a run tells what is wrong with its payload.
    JsonSchema,
}

impl Language {
    /// Bytes of payload that a run is given at most.
    pub(crate) fn most_input(self) -> usize {
        match self {
            Self::JavaScript(_) => MAX_INPUT_BYTES,
            Self::JsonSchema => LARGEST_PAYLOAD,
        }
    }
}

/// What a script is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Deliveries and calls, which an organisation lives on.
    Live,
    /// Seeing what a script does.
    Trial,
}

/// A tenant's source, with what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    source: Arc<str>,
    language: Language,
    hash: Arc<str>,
}

impl Script {
    /// Takes JavaScript; do it when configuration arrives, for it is hashed here.
    pub fn new(source: impl Into<Arc<str>>, kind: ScriptKind) -> Self {
        Self::of(source.into(), Language::JavaScript(kind))
    }

    /// Takes a JSON Schema; do it when configuration arrives, for it is hashed here.
    pub fn schema(schema: &Value) -> Self {
        Self::of(schema.to_string().into(), Language::JsonSchema)
    }

    fn of(source: Arc<str>, language: Language) -> Self {
        let mark: &[u8] = match language {
            Language::JavaScript(ScriptKind::Transform) => b"transform\0",
            Language::JavaScript(ScriptKind::Expression) => b"expression\0",
            Language::JsonSchema => b"schema\0",
        };
        let digest = Sha256::new().chain_update(mark).chain_update(source.as_bytes()).finalize();
        let hash = hex::encode(digest).into();
        Self { source, language, hash }
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it is written in.
    pub fn language(&self) -> Language {
        self.language
    }

    /// What identifies it: a digest of source and language, in hexadecimal.
    pub fn hash(&self) -> &Arc<str> {
        &self.hash
    }
}

/// What a script sees as `context`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunContext {
    /// The kind of event.
    pub event_type: String,
    /// The organisation.
    pub org: OrgId,
    /// The tenant: the organisation's number or a unit's.
    pub tenant_id: i64,
    /// The integration.
    pub integration_id: String,
    /// The only time that the script can read.
    pub now: Timestamp,
}

/// One run.
#[derive(Clone)]
pub struct Call<'a> {
    /// The script.
    pub script: &'a Script,
    /// JSON text; the engine parses it.
    pub payload: &'a [u8],
    /// What it sees as `context`; the run belongs to this context's organisation.
    pub context: &'a RunContext,
    /// How long it may run; more than the maximum is the maximum.
    pub deadline: Duration,
    /// Who answers its lookups.
    pub host: &'a dyn Host,
    /// What it is run for.
    pub purpose: Purpose,
}

impl<'a> Call<'a> {
    /// A run for what an organisation lives on, with the default deadline.
    pub fn new(script: &'a Script, payload: &'a [u8], context: &'a RunContext, host: &'a dyn Host) -> Self {
        Self {
            script,
            payload,
            context,
            deadline: DEFAULT_DEADLINE,
            host,
            purpose: Purpose::Live,
        }
    }
}
