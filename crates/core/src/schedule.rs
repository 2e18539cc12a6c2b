//! When deliveries that are not immediate are made: once and later, or again and again.
//!
//! All times are stored in UTC and told in a zone: the integration's own, else the tenant's, else UTC. Where clocks change:
//!
//! - a local time that does not exist falls on **the first instant after the gap** (02:30 becomes 03:00 where 02:00 is followed by 03:00);
//! - a local time that exists twice is **the first** of the two, and fires once;
//! - a cron rule for every hour (`*` in its hour field) follows real time instead: it fires in both of two equal hours, and a time that
//!   does not exist is left out, since the next one is an hour away at the most.
//!
//! Each occurrence is a delivery of its own: its message id is derived from the event's and the occurrence's number
//! ([`MessageId::occurrence`](crate::message::MessageId::occurrence)), so repeats have the same one. The next occurrence follows from the last one's time, not from the clock, so that
//! those missed while nothing ran come up one by one, each once. Those that are later than [`MaxOverdue`] allows make no sense any more:
//! the first of them is cancelled and says how many the others are, and the next is one that may still be delivered.

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
pub use recurrence::{MIN_INTERVAL, MOST_COUNTED, Occurrence, Recurrence, RecurrenceForm, Rule};
pub use zone::Zone;

/// When an integration's deliveries are made.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Scheduling {
    /// As soon as the event is there.
    #[default]
    Immediate,
    /// Once, later.
    Delayed(Delay),
    /// Again and again.
    Recurring(Recurrence),
}
