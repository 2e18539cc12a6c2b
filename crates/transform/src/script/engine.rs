//! What the services see of an engine, and what an engine sees of them.

use async_trait::async_trait;
use ig_core::id::OrgId;
use serde_json::Value;

use super::call::{Call, ScriptKind};
use super::error::ScriptError;
use super::outcome::ScriptOutcome;

/// Runs what tenants write.
#[async_trait]
pub trait ScriptEngine: Send + Sync {
    /// Runs a script once.
    async fn run(&self, call: Call<'_>) -> Result<ScriptOutcome, ScriptError>;

    /// Whether a source that an organisation means to have run is a script; nothing of it runs.
    async fn check(&self, org: OrgId, source: &str, kind: ScriptKind) -> Result<(), ScriptError>;
}

/// Answers what a script asks while it runs.
#[async_trait]
pub trait Host: Send + Sync {
    /// The value that a lookup table of this type has; `None` when it has none.
    /// An error is trouble of ours: the run ends as unavailable, and the script cannot catch it.
    async fn lookup(&self, kind: &str, value: &str) -> Result<Option<Value>, String>;
}

/// Answers that there is no such table: for what asks for none.
#[derive(Debug, Clone, Copy)]
pub struct NoLookups;

#[async_trait]
impl Host for NoLookups {
    async fn lookup(&self, _kind: &str, _value: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}
