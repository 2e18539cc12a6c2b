//! The way of calls' logs into the database: off the calls' path, many at a time, in a room that is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ig_core::inbound::Logging;
use ig_core::ports::JournalEntry;
use ig_service::{Context, Fate};
use ig_store::{Awaits, JournalQueue, Store, journal_queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::metrics;
use crate::config::RuntimeConfig;
use crate::nudge::Nudge;

/// What logs get to be written in when nothing is served any more.
const FAREWELL: Duration = Duration::from_secs(10);
/// Calls have no order among them, so one group is made ready while another is being written.
const WRITERS: usize = 2;
/// How long a call waits for room for its log, the pause included.
const SOON: Duration = Duration::from_millis(500);
/// How long a call pauses where the room is all but full.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Room for one log, given back when it is durable.
#[derive(Debug)]
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
    /// Whom to tell then that a dead letter will be due.
    nudge: Option<Nudge>,
}

impl Awaits for Room {
    fn durable(self) {
        if let Some(nudge) = self.nudge {
            nudge.wish();
        }
    }
}

/// What becomes of a call's log.
#[derive(Debug)]
pub(super) enum Kept {
    /// There is room for it.
    Room(Room),
    /// There is none, and the call goes on without.
    Lost,
    /// There is none, and the call must not go on.
    Refused,
}

/// Takes logs of calls in.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    queues: [JournalQueue<Room>; WRITERS],
    turn: Arc<AtomicUsize>,
    room: Arc<Semaphore>,
    most: usize,
    retention_days: u32,
    dead_letters: Nudge,
}

impl Recording {
    /// Starts the writers, which end once nothing is served any more and all is written; who tries dead letters again is nudged.
    pub(crate) fn start(
        config: &RuntimeConfig,
        context: &Context,
        store: &Store,
        dead_letters: Nudge,
        served: CancellationToken,
    ) -> Self {
        let (last, most) = (CancellationToken::new(), config.max_unrecorded.min(Semaphore::MAX_PERMITS));
        let room = Arc::new(Semaphore::new(most));
        let queues = std::array::from_fn(|_| {
            let (queue, writer) = journal_queue(Arc::new(store.journal()));
            context.spawn("logs of calls", Fate::RunsUntilShutdown, writer.run(last.clone()));
            queue
        });
        let all = Arc::clone(&room);
        context.spawn("end of the logs of calls", Fate::RunsUntilShutdown, async move {
            served.cancelled().await;
            let _ = tokio::time::timeout(FAREWELL, settled(&all, most)).await;
            last.cancel();
        });
        Self {
            queues,
            turn: Arc::default(),
            room,
            most,
            retention_days: config.retention_days,
            dead_letters,
        }
    }

    /// Room for one call's log, which the call takes before anything is sent. Where logs come faster than they are written, a call waits for
    /// its turn, as long as that comes soon; how many wait is bounded by how many are under way.
    pub(super) async fn room(&self, logging: Logging) -> Kept {
        match (self.permit(logging).await, logging) {
            (Some(permit), _) => Kept::Room(Room {
                _permit: permit,
                nudge: None,
            }),
            (None, Logging::BestEffort) => {
                metrics::log_lost();
                Kept::Lost
            }
            (None, Logging::Required) => Kept::Refused,
        }
    }

    async fn permit(&self, logging: Logging) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room);
        if logging == Logging::BestEffort {
            return room.try_acquire_owned().ok();
        }
        let taken = self.most.saturating_sub(room.available_permits());
        let waiting = async {
            if let Some(pause) = pause(taken, self.most) {
                tokio::time::sleep(pause).await;
            }
            room.acquire_owned().await.ok()
        };
        tokio::time::timeout(SOON, waiting).await.ok()?
    }

    /// Hands a log over.
    pub(super) fn record(&self, entry: JournalEntry, mut room: Room) {
        let is_due = matches!(&entry, JournalEntry::Delivery { dead_letter: Some(letter), .. } if letter.next_retry_at.is_some());
        room.nudge = is_due.then(|| self.dead_letters.clone());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.queues[turn % WRITERS].send(entry, room);
    }

    /// How long logs are kept where an organisation does not say.
    pub(super) fn retention_days(&self) -> u32 {
        self.retention_days
    }
}

/// Calls under way still have a log to come.
async fn settled(room: &Semaphore, most: usize) {
    while room.available_permits() < most {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// How long a call pauses before it takes room of which so much is taken: not at all up to the half, then longer and longer. Logs are written
/// a group at a time; calls that waited for a full room to be given back would come in such groups too, where these come evenly.
fn pause(taken: usize, most: usize) -> Option<Duration> {
    let above_half = taken.checked_sub(most / 2).filter(|above| *above > 0)?;
    let share = above_half as f64 / (most - most / 2) as f64;
    Some(LONGEST_PAUSE.mul_f64(share.min(1.0).powi(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn calls_pause_the_longer_the_fuller_the_room_is(most in 1usize..10_000, taken in 0usize..10_000) {
            let taken = taken % (most + 1);
            let paused = pause(taken, most).unwrap_or_default();
            proptest::prop_assert_eq!(pause(taken, most).is_some(), taken > most / 2);
            proptest::prop_assert!(paused <= LONGEST_PAUSE && paused <= pause(taken + 1, most).unwrap_or_default());
            proptest::prop_assert_eq!(pause(most, most), Some(LONGEST_PAUSE));
        }
    }
}
