//! The interface between services and a script engine.

use async_trait::async_trait;
use ig_core::id::OrgId;
use serde_json::Value;

use super::call::{Call, ScriptKind};
use super::error::ScriptError;
use super::outcome::ScriptOutcome;

/// Runs the scripts of tenants.
#[async_trait]
pub trait ScriptEngine: Send + Sync {
    /// Runs a script once.
    async fn run(&self, call: Call<'_>) -> Result<ScriptOutcome, ScriptError>;

    /// Checks that a source of an organisation is a script, without running it.
    async fn check(&self, org: OrgId, source: &str, kind: ScriptKind) -> Result<(), ScriptError>;
}

/// The lookup tables that a script sees.
#[async_trait]
pub trait ScriptLookups: Send + Sync {
    /// The value that the lookup table of this type has, if any.
    ///
    /// An error is a failure of the platform: the run ends as unavailable, and the script cannot catch it.
    async fn lookup(&self, kind: &str, value: &str) -> Result<Option<Value>, String>;
}

/// No tables, for runs that make no lookups.
#[derive(Debug, Clone, Copy)]
pub struct NoLookups;

#[async_trait]
impl ScriptLookups for NoLookups {
    async fn lookup(&self, _kind: &str, _value: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}
