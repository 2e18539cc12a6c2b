//! The engine on top of boa.

mod clock;
mod console;
mod failure;
mod hooks;
mod input;
mod jobs;
mod json;
mod loaded;
mod natives;
mod sandbox;
mod source;
mod state;

use std::rc::Rc;

use sandbox::Sandbox;

use super::engine::{Engine, LoadedScript, LookupService};
use super::nesting;
use crate::script::call::ScriptKind;
use crate::script::wire::Failure;

/// The engine of one worker. It keeps one spare frozen context, because freezing takes longer than most scripts run.
pub(super) struct BoaEngine {
    lookups: Rc<dyn LookupService>,
    spare: Option<Sandbox>,
}

impl BoaEngine {
    pub(super) fn new(lookups: Rc<dyn LookupService>) -> Self {
        Self { lookups, spare: None }
    }

    fn sandbox(&mut self) -> Result<Sandbox, Failure> {
        self.spare.take().map_or_else(|| Sandbox::new(self.lookups.clone()), Ok)
    }
}

impl Engine for BoaEngine {
    fn check(&mut self, source: &str, kind: ScriptKind) -> Result<(), Failure> {
        nesting::inspect(source)?;
        let mut sandbox = self.sandbox()?;
        // The names of the source stay in the context, so it is not used again.
        source::compile(source, kind, &mut sandbox).map(drop)
    }

    fn load(&mut self, source: &str, kind: ScriptKind) -> Result<Box<dyn LoadedScript>, Failure> {
        nesting::inspect(source)?;
        let mut sandbox = self.sandbox()?;
        let script = source::compile(source, kind, &mut sandbox)?;
        Ok(Box::new(loaded::BoaScript::new(sandbox, script, kind)))
    }

    fn prepare(&mut self) {
        if self.spare.is_none() {
            self.spare = Sandbox::new(self.lookups.clone()).ok();
        }
    }

    fn collect_garbage(&mut self) {
        boa_engine::gc::force_collect();
    }
}
