//! Records deliveries and decisions in groups; an event's part is done only once its entry is durable.

use std::sync::Arc;
use std::time::Duration;

use ig_core::ports::{Journal, JournalEntry};
use ig_store::{GroupWriter, JournalQueue, JournalWaiter, journal_queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::tracker::Ticket;

/// How long a flush waits for the journal.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// An entry on its way to the journal: what happens once it is durable.
pub(crate) struct PendingRecord {
    ticket: Option<Ticket>,
    permit: Option<OwnedSemaphorePermit>,
    durable: Option<oneshot::Sender<()>>,
}

/// The sender to the journal. Deliveries and decisions have a queue each: a backlog of a hundred thousand decisions delays no delivery's
/// record.
#[derive(Clone)]
pub(crate) struct Recorder {
    deliveries: JournalQueue<PendingRecord>,
    decisions: JournalQueue<PendingRecord>,
    unrecorded: Arc<Semaphore>,
}

/// The receiving end of a queue, to be run as a task.
pub(crate) type RecordWriter = GroupWriter<PendingRecord>;

/// A recorder that lets at most `max_unrecorded` deliveries wait for the journal, with its writers of deliveries and of decisions.
pub(crate) fn recorder(journal: &Arc<dyn Journal>, max_unrecorded: usize) -> (Recorder, [RecordWriter; 2]) {
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
    /// A permit for one made delivery, released once the delivery is durable. A lane that waits for one sends nothing more.
    pub(crate) async fn acquire_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unrecorded).acquire_owned().await.ok()
    }

    /// Hands over an entry; the ticket's part is done once the entry is durable.
    pub(crate) fn record(&self, entry: JournalEntry, ticket: Option<Ticket>, permit: Option<OwnedSemaphorePermit>) {
        let durable = None;
        self.send(entry, PendingRecord { ticket, permit, durable });
    }

    /// Hands over an entry that belongs to no ticket and waits until it is durable; `false` if the journal ends before that.
    pub(crate) async fn record_durably(&self, entry: JournalEntry) -> bool {
        let (durable, written) = oneshot::channel();
        let pending = PendingRecord {
            ticket: None,
            permit: self.acquire_permit().await,
            durable: Some(durable),
        };
        self.send(entry, pending);
        written.await.is_ok()
    }

    fn send(&self, entry: JournalEntry, pending: PendingRecord) {
        let queue = match entry {
            JournalEntry::Delivery { .. }
            | JournalEntry::Retry { .. }
            | JournalEntry::Scheduled(_)
            | JournalEntry::Cancellation(_) => &self.deliveries,
            JournalEntry::Audit(_) | JournalEntry::Redecided(_) | JournalEntry::Seen(_) => &self.decisions,
        };
        queue.send(entry, pending);
    }

    /// Waits until all entries handed over so far are durable, decisions too, at most `FLUSH_TIMEOUT`.
    pub(crate) async fn flush(&self) {
        let both = async { tokio::join!(self.deliveries.flushed(), self.decisions.flushed()) };
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, both).await;
    }
}

impl JournalWaiter for PendingRecord {
    fn durable(self) {
        if let Some(ticket) = self.ticket {
            ticket.part_done();
        }
        drop(self.permit);
        if let Some(durable) = self.durable {
            // The caller may have stopped waiting.
            let _ = durable.send(());
        }
    }

    fn set_aside(&mut self) {
        self.permit = None;
    }
}
