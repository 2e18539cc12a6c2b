//! What an engine runs: scripts and calls.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::event::MAX_PAYLOAD_BYTES;
use ig_core::id::OrgId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::engine::ScriptLookups;
use super::limits::{DEFAULT_DEADLINE, MAX_INPUT_BYTES};

/// How a source is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScriptKind {
    /// The body of a function that returns the new payload.
    Transform,
    /// One expression; its truth is the result.
    Expression,
}

/// The language of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// JavaScript.
    JavaScript(ScriptKind),
    /// JSON Schema; a run reports what is wrong with its payload.
    JsonSchema,
}

impl Language {
    /// The largest payload of a run, in bytes.
    pub(crate) fn max_input_bytes(self) -> usize {
        match self {
            Self::JavaScript(_) => MAX_INPUT_BYTES,
            Self::JsonSchema => MAX_PAYLOAD_BYTES,
        }
    }
}

/// What a script runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The deliveries and calls of an organisation.
    Live,
    /// Previews and checks.
    Trial,
}

/// A tenant's source with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    source: Arc<str>,
    language: Language,
    hash: Arc<str>,
}

impl Script {
    /// Hashes a JavaScript source; call it when configuration arrives.
    pub fn new(source: impl Into<Arc<str>>, kind: ScriptKind) -> Self {
        Self::hashed(source.into(), Language::JavaScript(kind))
    }

    /// Hashes a JSON Schema; call it when configuration arrives.
    pub fn schema(schema: &Value) -> Self {
        Self::hashed(schema.to_string().into(), Language::JsonSchema)
    }

    fn hashed(source: Arc<str>, language: Language) -> Self {
        let prefix: &[u8] = match language {
            Language::JavaScript(ScriptKind::Transform) => b"transform\0",
            Language::JavaScript(ScriptKind::Expression) => b"expression\0",
            Language::JsonSchema => b"schema\0",
        };
        let digest = Sha256::new().chain_update(prefix).chain_update(source.as_bytes()).finalize();
        let hash = hex::encode(digest).into();
        Self { source, language, hash }
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The language of the source.
    pub fn language(&self) -> Language {
        self.language
    }

    /// A digest of source and language, in hexadecimal.
    pub fn hash(&self) -> &Arc<str> {
        &self.hash
    }
}

/// The values that a script sees as `context`.
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

/// One run of a script.
#[derive(Clone)]
pub struct Call<'a> {
    /// The script.
    pub script: &'a Script,
    /// The payload as JSON text; the engine parses it.
    pub payload: &'a [u8],
    /// What the script sees as `context`; the run belongs to this context's organisation.
    pub context: &'a RunContext,
    /// How long it may run, up to [`MAX_DEADLINE`](super::MAX_DEADLINE).
    pub deadline: Duration,
    /// The tables that the script looks up in.
    pub lookups: &'a dyn ScriptLookups,
    /// What the script runs for.
    pub purpose: Purpose,
}

impl<'a> Call<'a> {
    /// A live run with the default deadline.
    pub fn new(script: &'a Script, payload: &'a [u8], context: &'a RunContext, lookups: &'a dyn ScriptLookups) -> Self {
        Self {
            script,
            payload,
            context,
            deadline: DEFAULT_DEADLINE,
            lookups,
            purpose: Purpose::Live,
        }
    }
}
