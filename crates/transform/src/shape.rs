//! Everything that is done to a payload on its way, and what has to hold for it, made ready.

use std::time::Duration;

use ig_core::condition::Condition;
use ig_core::fault::Faults;
use ig_core::integration::{LookupRule, Script as Source, Transformation};

use crate::compiled::{Compiled, CompiledSimple};
use crate::filter::CompiledFilter;
use crate::lookups::CompiledLookups;
use crate::script::{Script, ScriptKind};

/// A transformation and the lookups after it, compiled when their configuration arrived.
#[derive(Debug, Clone)]
pub struct CompiledShape {
    pub(crate) how: How,
    pub(crate) lookups: CompiledLookups,
}

#[derive(Debug, Clone)]
pub(crate) enum How {
    Simple(CompiledSimple),
    Script(CompiledScript),
}

/// A script with what it may use.
#[derive(Debug, Clone)]
pub struct CompiledScript {
    pub(crate) script: Script,
    pub(crate) timeout: Duration,
}

/// A condition, compiled when its configuration arrived.
#[derive(Debug, Clone)]
pub enum CompiledCondition {
    /// Judged here and now.
    Filter(CompiledFilter),
    /// Judged by the script engine.
    Script(CompiledScript),
}

impl CompiledShape {
    /// Compiles both; faults carry JSON pointers into the integration's document.
    pub fn compile(transformation: &Transformation, lookups: &[LookupRule], script_timeout: Duration) -> Result<Self, Faults> {
        let how = match Compiled::compile(transformation)? {
            Compiled::Simple(simple) => How::Simple(simple),
            Compiled::Script(script) => How::Script(CompiledScript {
                script: Script::new(script.source().clone(), ScriptKind::Transform),
                timeout: script_timeout,
            }),
        };
        let lookups = CompiledLookups::compile(lookups)?;
        Ok(Self { how, lookups })
    }
}

impl CompiledScript {
    /// A script that tells a value; whether it compiles is found out by the engine.
    pub fn telling(source: &Source, timeout: Duration) -> Self {
        Self {
            script: Script::new(source.source().clone(), ScriptKind::Transform),
            timeout,
        }
    }
}

impl CompiledCondition {
    /// Compiles a filter; whether a script compiles is found out by the engine.
    pub fn compile(condition: &Condition, script_timeout: Duration) -> Result<Self, Faults> {
        match condition {
            Condition::Filter(filter) => CompiledFilter::compile(filter).map(Self::Filter),
            Condition::Script(script) => Ok(Self::Script(CompiledScript {
                script: Script::new(script.source().clone(), ScriptKind::Expression),
                timeout: script_timeout,
            })),
        }
    }
}
