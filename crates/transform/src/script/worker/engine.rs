//! What a worker needs of a JavaScript engine; nothing else in this crate knows which one it is.

use crate::script::call::ScriptKind;
use crate::script::outcome::ConsoleLine;
use crate::script::wire::{Failure, RunHead};

/// Reads sources.
pub(super) trait Engine {
    /// Whether a source is a script.
    fn check(&mut self, source: &str, kind: ScriptKind) -> Result<(), Failure>;

    /// Makes a source ready to run.
    fn load(&mut self, source: &str, kind: ScriptKind) -> Result<Box<dyn Loaded>, Failure>;

    /// Does now what the next load would otherwise wait for.
    fn prepare(&mut self);

    /// Gives memory back that nobody uses.
    fn collect(&mut self);
}

/// A script that is ready. No run sees anything of another.
pub(super) trait Loaded {
    /// Runs it once.
    fn run(&mut self, head: &RunHead, payload: &[u8]) -> Finished;

    /// Whether the last run had to be stopped; it may have left something that no other run may meet.
    fn spoiled(&self) -> bool;
}

/// A run that has ended.
pub(super) struct Finished {
    pub(super) value: Result<Value, Failure>,
    pub(super) console: Vec<ConsoleLine>,
}

/// What a script returned.
pub(super) enum Value {
    /// JSON text.
    Output(String),
    /// `null`.
    Skipped,
    /// An expression's truth.
    Truth(bool),
}

/// Asks the service.
pub(super) trait Ask {
    /// What a lookup table has; the error is that the run has to end.
    fn lookup(&self, kind: &str, value: &str) -> Result<Option<serde_json::Value>, Unanswered>;
}

/// The service does not answer; it knows why.
#[derive(Debug)]
pub(super) struct Unanswered;
