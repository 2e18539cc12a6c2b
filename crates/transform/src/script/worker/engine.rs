//! What a worker needs of a JavaScript engine; nothing else in this crate knows which one it is.

use crate::script::call::ScriptKind;
use crate::script::outcome::ConsoleLine;
use crate::script::wire::{Failure, RunHead};

/// Compiles sources.
pub(super) trait Engine {
    /// Whether a source is a script.
    fn check(&mut self, source: &str, kind: ScriptKind) -> Result<(), Failure>;

    /// Makes a source ready to run.
    fn load(&mut self, source: &str, kind: ScriptKind) -> Result<Box<dyn LoadedScript>, Failure>;

    /// Does ahead of time what the next load would otherwise wait for.
    fn prepare(&mut self);

    /// Frees unreachable memory.
    fn collect_garbage(&mut self);
}

/// A script that is ready to run. Its runs are isolated from each other.
pub(super) trait LoadedScript {
    /// Runs it once.
    fn run(&mut self, head: &RunHead, payload: &[u8]) -> RunResult;

    /// Whether the last run had to be stopped; its context may be inconsistent and must not be used again.
    fn is_poisoned(&self) -> bool;
}

/// What a run returned, and what it wrote to its console.
pub(super) struct RunResult {
    pub(super) value: Result<Value, Failure>,
    pub(super) console: Vec<ConsoleLine>,
}

/// What a script returned.
pub(super) enum Value {
    /// JSON text.
    Output(String),
    /// `null`.
    Skipped,
    /// The truth of an expression.
    Truth(bool),
}

/// The service's lookup tables.
pub(super) trait LookupService {
    /// The value that a lookup table has; after an error the run has to end.
    fn lookup(&self, kind: &str, value: &str) -> Result<Option<serde_json::Value>, LookupFailed>;
}

/// The lookup failed; the service knows why.
#[derive(Debug)]
pub(super) struct LookupFailed;
