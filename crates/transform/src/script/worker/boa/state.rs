//! The state of the current run, where native functions find it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use boa_engine::error::PanicError;
use boa_engine::object::builtins::JsFunction;
use boa_engine::{Context, JsError};

use super::console::Console;
use crate::script::ScriptFault;
use crate::script::limits::MAX_LOOKUPS;
use crate::script::wire::Failure;
use crate::script::worker::engine::LookupService;

/// The host's state of one context.
pub(super) struct State {
    pub(super) lookups: Rc<dyn LookupService>,
    pub(super) console: RefCell<Console>,
    /// `JSON.stringify`, taken before any script could reach it.
    pub(super) stringify: JsFunction,
    lookup_count: Cell<u32>,
    failure: RefCell<Option<Failure>>,
}

impl State {
    pub(super) fn new(lookups: Rc<dyn LookupService>, stringify: JsFunction) -> Self {
        Self {
            lookups,
            console: RefCell::default(),
            stringify,
            lookup_count: Cell::default(),
            failure: RefCell::default(),
        }
    }

    /// The state of a context.
    pub(super) fn of(context: &Context) -> Rc<Self> {
        let state = context.get_data::<Rc<Self>>().cloned();
        state.expect("every context is made with its state")
    }

    /// Resets it for a new run.
    pub(super) fn begin(&self) {
        self.console.take();
        self.failure.take();
        self.lookup_count.set(0);
    }

    /// Ends the run with this failure; a script cannot catch the error.
    pub(super) fn end(&self, failure: Failure) -> JsError {
        self.failure.borrow_mut().get_or_insert(failure);
        PanicError::new("the run has ended").into()
    }

    /// The failure that ended the run.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.borrow().clone()
    }

    /// Counts a lookup, and ends the run beyond the limit.
    pub(super) fn count_lookup(&self) -> Result<(), JsError> {
        self.lookup_count.set(self.lookup_count.get() + 1);
        if self.lookup_count.get() <= MAX_LOOKUPS {
            return Ok(());
        }
        let message = format!("the script made more than {MAX_LOOKUPS} lookups");
        Err(self.end(Failure::new(ScriptFault::Limit, message)))
    }
}
