//! Boa as the engine.

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

use super::engine::{Ask, Engine, Loaded};
use super::nesting;
use crate::script::call::ScriptKind;
use crate::script::wire::Failure;

/// The engine of one worker. It keeps one frozen context ahead of need: freezing one takes longer than most scripts run.
pub(super) struct Boa {
    service: Rc<dyn Ask>,
    spare: Option<Sandbox>,
}

impl Boa {
    pub(super) fn new(service: Rc<dyn Ask>) -> Self {
        Self { service, spare: None }
    }

    fn sandbox(&mut self) -> Result<Sandbox, Failure> {
        self.spare.take().map_or_else(|| Sandbox::new(self.service.clone()), Ok)
    }
}

impl Engine for Boa {
    fn check(&mut self, source: &str, kind: ScriptKind) -> Result<(), Failure> {
        nesting::inspect(source)?;
        let mut sandbox = self.sandbox()?;
        // The names of the source stay in the context, so it is not kept for another.
        source::compile(source, kind, &mut sandbox).map(drop)
    }

    fn load(&mut self, source: &str, kind: ScriptKind) -> Result<Box<dyn Loaded>, Failure> {
        nesting::inspect(source)?;
        let mut sandbox = self.sandbox()?;
        let script = source::compile(source, kind, &mut sandbox)?;
        Ok(Box::new(loaded::Ready::new(sandbox, script, kind)))
    }

    fn prepare(&mut self) {
        if self.spare.is_none() {
            self.spare = Sandbox::new(self.service.clone()).ok();
        }
    }

    fn collect(&mut self) {
        boa_engine::gc::force_collect();
    }
}
