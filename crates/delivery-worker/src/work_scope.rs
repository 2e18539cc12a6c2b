//! How long a delivery may be worked on: until the worker stops or loses the event's partition.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::tracker::Ticket;

/// How often a wait checks that its scope is still active.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// For how long work may go on: until the worker stops or loses the event's partition.
#[derive(Clone, Copy)]
pub(crate) struct WorkScope<'a> {
    /// The event's share of its partition's progress, if it has one.
    pub ticket: Option<&'a Ticket>,
    /// Fires when the worker stops.
    pub stop: &'a CancellationToken,
}

impl WorkScope<'_> {
    /// Whether work may go on.
    pub(crate) fn is_active(self) -> bool {
        !self.stop.is_cancelled() && self.ticket.is_none_or(Ticket::is_valid)
    }

    /// Sleeps while the scope is active; fails once it ends.
    pub(crate) async fn sleep(self, delay: Duration) -> Result<(), WorkEnded> {
        let began = Instant::now();
        while self.is_active() {
            let remaining = delay.saturating_sub(began.elapsed());
            if remaining.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(remaining.min(CHECK_INTERVAL)) => {}
            }
        }
        Err(WorkEnded)
    }
}

/// The worker stops or has lost the partition: the next holder takes the event up again.
#[derive(Debug)]
pub(crate) struct WorkEnded;
