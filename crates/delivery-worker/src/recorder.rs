//! Writes down what happened, many entries at a time, and only then lets events count as done.

use std::sync::Arc;
use std::time::Duration;

use ig_core::ports::{Journal, JournalEntry};
use ig_store::{Awaits, GroupWriter, JournalQueue, journal_queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::tracker::Ticket;

/// How long one waits for the journal to catch up.
const PATIENCE: Duration = Duration::from_secs(3);

/// An event's share in an entry.
pub(crate) struct Part {
    ticket: Option<Ticket>,
    room: Option<OwnedSemaphorePermit>,
    durable: Option<oneshot::Sender<()>>,
}

/// The way to the journal. Deliveries and decisions have a queue each: a backlog that is decided about by the hundred thousand keeps
/// no delivery from being recorded.
#[derive(Clone)]
pub(crate) struct Recorder {
    deliveries: JournalQueue<Part>,
    decisions: JournalQueue<Part>,
    unrecorded: Arc<Semaphore>,
}

/// The other end of a queue: run it as a task.
pub(crate) type Writer = GroupWriter<Part>;

/// A recorder that lets at most `max_unrecorded` deliveries wait to be durable, and its writers: of deliveries, and of decisions.
pub(crate) fn recorder(journal: &Arc<dyn Journal>, max_unrecorded: usize) -> (Recorder, [Writer; 2]) {
    let (deliveries, delivery_writer) = journal_queue(Arc::clone(journal));
    let (decisions, decision_writer) = journal_queue(Arc::clone(journal));
    let recorder = Recorder {
        deliveries,
        decisions,
        unrecorded: Arc::new(Semaphore::new(max_unrecorded.clamp(1, Semaphore::MAX_PERMITS))),
    };
    (recorder, [delivery_writer, decision_writer])
}

impl Recorder {
    /// Room for one delivery that was made; it is given back when the delivery is durable. A lane that waits for it sends nothing more.
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unrecorded).acquire_owned().await.ok()
    }

    /// Hands over an entry; the ticket's part is done once it is durable.
    pub(crate) fn record(&self, entry: JournalEntry, ticket: Option<Ticket>, room: Option<OwnedSemaphorePermit>) {
        let durable = None;
        self.send(entry, Part { ticket, room, durable });
    }

    /// Hands over an entry that is no event's, and waits until it is durable; `false` when the journal has ended before that.
    pub(crate) async fn record_durably(&self, entry: JournalEntry) -> bool {
        let (durable, written) = oneshot::channel();
        let part = Part {
            ticket: None,
            room: self.room().await,
            durable: Some(durable),
        };
        self.send(entry, part);
        written.await.is_ok()
    }

    fn send(&self, entry: JournalEntry, part: Part) {
        let queue = match entry {
            JournalEntry::Delivery { .. }
            | JournalEntry::Redelivery { .. }
            | JournalEntry::Scheduled(_)
            | JournalEntry::CalledOff(_) => &self.deliveries,
            JournalEntry::Audit(_) | JournalEntry::Redecided(_) | JournalEntry::Seen(_) => &self.decisions,
        };
        queue.send(entry, part);
    }

    /// Waits until all that was handed over is durable, decisions as well as deliveries, but not for ever.
    pub(crate) async fn settled(&self) {
        let both = async { tokio::join!(self.deliveries.flushed(), self.decisions.flushed()) };
        let _ = tokio::time::timeout(PATIENCE, both).await;
    }
}

impl Awaits for Part {
    fn durable(self) {
        if let Some(ticket) = self.ticket {
            ticket.part_done();
        }
        drop(self.room);
        if let Some(durable) = self.durable {
            // Whoever ordered it may have stopped waiting.
            let _ = durable.send(());
        }
    }

    fn set_aside(&mut self) {
        self.room = None;
    }
}
