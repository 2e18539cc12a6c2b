//! Runs the JavaScript that tenants write in separate, confined worker processes.

mod call;
mod config;
mod engine;
mod error;
mod limits;
mod outcome;
mod pool;
mod wire;
mod worker;

pub use call::{Call, Language, Purpose, RunContext, Script, ScriptKind};
pub use config::ScriptsConfig;
pub use engine::{NoLookups, ScriptEngine, ScriptLookups};
pub use error::{Position, ScriptError, ScriptFault};
pub use limits::{DEFAULT_DEADLINE, MAX_DEADLINE, MAX_DEPTH, MAX_INPUT_BYTES, MAX_NESTING, MAX_OUTPUT_BYTES, MAX_SOURCE_BYTES};
pub use outcome::{ConsoleLevel, ConsoleLine, ScriptOutcome, ScriptValue};
pub use pool::{DisabledScript, PoolSettings, PoolState, ScriptPool};
pub use worker::{is_worker, worker_main};
