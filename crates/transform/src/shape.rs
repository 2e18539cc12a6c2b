//! Compiled shapes and conditions of payloads.

use std::time::Duration;

use ig_core::condition::Condition;
use ig_core::fault::Faults;
use ig_core::integration::{LookupRule, Script as ScriptSource, Transformation};

use crate::compiled::{Compiled, CompiledSimple};
use crate::filter::CompiledFilter;
use crate::lookups::CompiledLookups;
use crate::script::{Script, ScriptKind};

/// A transformation and the lookups after it, compiled when their configuration arrives.
#[derive(Debug, Clone)]
pub struct CompiledShape {
    pub(crate) transform: CompiledTransform,
    pub(crate) lookups: CompiledLookups,
}

#[derive(Debug, Clone)]
pub(crate) enum CompiledTransform {
    Simple(CompiledSimple),
    Script(CompiledScript),
}

/// A script with its time limit.
#[derive(Debug, Clone)]
pub struct CompiledScript {
    pub(crate) script: Script,
    pub(crate) timeout: Duration,
}

/// A condition, compiled when its configuration arrives.
#[derive(Debug, Clone)]
pub enum CompiledCondition {
    /// A filter, evaluated in this process.
    Filter(CompiledFilter),
    /// A script, evaluated by the script engine.
    Script(CompiledScript),
}

impl CompiledShape {
    /// Compiles both; faults carry JSON pointers into the integration's document.
    pub fn compile(transformation: &Transformation, lookups: &[LookupRule], script_timeout: Duration) -> Result<Self, Faults> {
        let transform = match Compiled::compile(transformation)? {
            Compiled::Simple(simple) => CompiledTransform::Simple(simple),
            Compiled::Script(script) => CompiledTransform::Script(CompiledScript {
                script: Script::new(script.source().clone(), ScriptKind::Transform),
                timeout: script_timeout,
            }),
        };
        let lookups = CompiledLookups::compile(lookups)?;
        Ok(Self { transform, lookups })
    }
}

impl CompiledScript {
    /// A script that returns a value. The script engine compiles it, so errors of its source show when it runs.
    pub fn new(source: &ScriptSource, timeout: Duration) -> Self {
        Self {
            script: Script::new(source.source().clone(), ScriptKind::Transform),
            timeout,
        }
    }
}

impl CompiledCondition {
    /// Compiles a filter. The script engine compiles a script, so errors of its source show when it runs.
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
