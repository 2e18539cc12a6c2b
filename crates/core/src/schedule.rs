//! Schedules of deliveries that are not immediate: delayed once, or recurring.
//!
//! All times are stored in UTC and interpreted in a zone: the integration's own, else the tenant's, else UTC. Where clocks
//! change:
//!
//! - a local time that does not exist falls on **the first instant after the gap** (02:30 becomes 03:00 where 02:00 is followed
//!   by 03:00);
//! - a local time that exists twice is **the first** of the two, and fires once;
//! - a cron rule for every hour (`*` in its hour field) follows real time instead: it fires in both of two equal hours and
//!   skips a time that does not exist, since the next one is at most an hour away.
//!
//! Each occurrence is a delivery of its own: its message id is derived from the event's and the occurrence's number
//! ([`MessageId::occurrence`](crate::message::MessageId::occurrence)), so repeats share it. The next occurrence follows from
//! the time of the last one, not from the clock, so occurrences missed during downtime come up one by one, each once.
//! Occurrences later than [`MaxOverdue`] allows are dropped: the first of them is cancelled and counts the others, and the
//! series continues with one that may still be delivered.

mod cancel;
mod cancel_on;
mod configured;
mod cron;
mod delay;
mod overdue;
mod path;
mod recurrence;
#[cfg(test)]
mod tests;
mod zone;

pub use cancel::{CancelAction, CancelRule, MatchKey};
pub use configured::{Schedule, ScheduleMode};
pub use cron::CronRule;
pub use delay::{Delay, DelayForm, Due};
pub use overdue::{MaxOverdue, Timeliness};
pub use recurrence::{MAX_MISSED_COUNTED, MIN_INTERVAL, Occurrence, Recurrence, RecurrenceForm, Rule};
pub use zone::Zone;

/// When an integration makes its deliveries.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Scheduling {
    /// As soon as the event arrives.
    #[default]
    Immediate,
    /// Once, later.
    Delayed(Delay),
    /// Repeatedly.
    Recurring(Recurrence),
}
