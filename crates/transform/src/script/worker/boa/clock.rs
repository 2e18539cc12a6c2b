//! A clock that stands still at the time of a run.

use std::cell::Cell;

use boa_engine::context::time::{Clock, JsInstant};

/// A clock that shows the time it was set to.
#[derive(Debug, Default)]
pub(super) struct HeldClock(Cell<i64>);

impl HeldClock {
    /// Sets the time, in milliseconds since 1970.
    pub(super) fn set(&self, now: i64) {
        self.0.set(now);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> JsInstant {
        JsInstant::new(0, 0)
    }

    fn system_time_millis(&self) -> i64 {
        self.0.get()
    }
}
