//! What belongs to the run under way, where native functions find it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use boa_engine::error::PanicError;
use boa_engine::object::builtins::JsFunction;
use boa_engine::{Context, JsError};

use super::console::Console;
use crate::script::ScriptFault;
use crate::script::limits::MAX_LOOKUPS;
use crate::script::wire::Failure;
use crate::script::worker::engine::Ask;

/// One context's host side.
pub(super) struct State {
    pub(super) service: Rc<dyn Ask>,
    pub(super) console: RefCell<Console>,
    /// `JSON.stringify`, taken before any script could see it.
    pub(super) stringify: JsFunction,
    lookups: Cell<u32>,
    ended: RefCell<Option<Failure>>,
}

impl State {
    pub(super) fn new(service: Rc<dyn Ask>, stringify: JsFunction) -> Self {
        Self {
            service,
            console: RefCell::default(),
            stringify,
            lookups: Cell::default(),
            ended: RefCell::default(),
        }
    }

    /// The state of a context.
    pub(super) fn of(context: &Context) -> Rc<Self> {
        let state = context.get_data::<Rc<Self>>().cloned();
        state.expect("every context is made with its state")
    }

    /// Makes it a new run's.
    pub(super) fn begin(&self) {
        self.console.take();
        self.ended.take();
        self.lookups.set(0);
    }

    /// Ends the run for this reason; a script cannot catch the error.
    pub(super) fn end(&self, failure: Failure) -> JsError {
        self.ended.borrow_mut().get_or_insert(failure);
        PanicError::new("the run has ended").into()
    }

    /// Why the run was ended, if it was.
    pub(super) fn ended(&self) -> Option<Failure> {
        self.ended.borrow().clone()
    }

    /// Counts a lookup.
    pub(super) fn count_lookup(&self) -> Result<(), JsError> {
        self.lookups.set(self.lookups.get() + 1);
        if self.lookups.get() <= MAX_LOOKUPS {
            return Ok(());
        }
        let message = format!("the script made more than {MAX_LOOKUPS} lookups");
        Err(self.end(Failure::new(ScriptFault::Limit, message)))
    }
}
