//! Writes down what happened, many entries at a time, and only then lets events count as done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::ports::{Journal, JournalEntry, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::tracker::Ticket;

/// The most entries written at a time.
const GROUP: usize = 500;
/// How long one waits for the journal to catch up.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often entries that were refused are tried again.
const TRY_REFUSED: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One entry, and whose part is done once it is durable.
struct Pending {
    entry: JournalEntry,
    part: Part,
}

/// An event's share in an entry.
struct Part {
    ticket: Option<Ticket>,
    room: Option<OwnedSemaphorePermit>,
    durable: Option<oneshot::Sender<()>>,
}

/// The way to the journal. Deliveries and decisions have a queue each: a backlog that is decided about by the hundred thousand keeps
/// no delivery from being recorded.
#[derive(Clone)]
pub(crate) struct Recorder {
    deliveries: mpsc::UnboundedSender<Pending>,
    decisions: mpsc::UnboundedSender<Pending>,
    unrecorded: Arc<Semaphore>,
    capacity: u32,
}

/// The other end of a queue: run it as a task.
pub(crate) struct Writer {
    queue: mpsc::UnboundedReceiver<Pending>,
    journal: Arc<dyn Journal>,
    refused: Vec<Pending>,
}

/// A recorder that lets at most `max_unrecorded` deliveries wait to be durable, and its writers: of deliveries, and of decisions.
pub(crate) fn recorder(journal: &Arc<dyn Journal>, max_unrecorded: usize) -> (Recorder, [Writer; 2]) {
    let (deliveries, delivery_writer) = queue(journal);
    let (decisions, decision_writer) = queue(journal);
    let capacity = u32::try_from(max_unrecorded).unwrap_or(u32::MAX).max(1);
    let recorder = Recorder {
        deliveries,
        decisions,
        unrecorded: Arc::new(Semaphore::new(capacity as usize)),
        capacity,
    };
    (recorder, [delivery_writer, decision_writer])
}

fn queue(journal: &Arc<dyn Journal>) -> (mpsc::UnboundedSender<Pending>, Writer) {
    let (sender, queue) = mpsc::unbounded_channel();
    let writer = Writer {
        queue,
        journal: Arc::clone(journal),
        refused: Vec::new(),
    };
    (sender, writer)
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
        let pending = Pending { entry, part };
        let queue = match pending.entry {
            JournalEntry::Delivery { .. }
            | JournalEntry::Redelivery { .. }
            | JournalEntry::Scheduled(_)
            | JournalEntry::CalledOff(_) => &self.deliveries,
            JournalEntry::Audit(_) | JournalEntry::Seen(_) => &self.decisions,
        };
        if queue.send(pending).is_err() {
            tracing::error!("the journal's writer is gone; its events stay undone");
        }
    }

    /// Waits until every delivery that was handed over is durable, but not for ever.
    pub(crate) async fn settled(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.unrecorded.acquire_many(self.capacity)).await;
    }
}

impl Writer {
    /// Writes until told that nothing more will come, and then what is left.
    pub(crate) async fn run(mut self, last: CancellationToken) {
        let mut group = Vec::with_capacity(GROUP);
        loop {
            tokio::select! {
                biased;
                received = self.queue.recv_many(&mut group, GROUP) => if received == 0 { return },
                () = tokio::time::sleep(TRY_REFUSED), if !self.refused.is_empty() => group.append(&mut self.refused),
                () = last.cancelled() => return,
            }
            self.write(std::mem::take(&mut group)).await;
        }
    }

    /// Writes a group. What the database refuses as a group is written one by one; an entry that is refused by itself is set aside and
    /// tried again later: its event stays undone, and the others go on.
    async fn write(&mut self, group: Vec<Pending>) {
        let (entries, parts): (Vec<_>, Vec<_>) = group.into_iter().map(Pending::split).unzip();
        let began = Instant::now();
        match self.write_through(&entries).await {
            Ok(()) => {
                metrics::journal_group(parts.len(), began.elapsed());
                parts.into_iter().for_each(Part::done);
            }
            Err(error) if entries.len() == 1 => {
                tracing::error!(error, "a journal entry was refused and is set aside; its event stays undone");
                self.refused.extend(entries.into_iter().zip(parts).map(Pending::join));
            }
            Err(error) => {
                tracing::warn!(error, "a group of journal entries was refused; writing them one by one");
                for pending in entries.into_iter().zip(parts).map(Pending::join) {
                    Box::pin(self.write(vec![pending])).await;
                }
            }
        }
    }

    /// Tries until the database answers; the error is its refusal.
    async fn write_through(&self, entries: &[JournalEntry]) -> Result<(), String> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.journal.record(entries).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Refused(error)) => return Err(error),
                Err(StoreError::Unavailable(error)) => {
                    tracing::warn!(error, entries = entries.len(), "the journal cannot be written; trying again");
                    metrics::journal_failed();
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Pending {
    fn split(self) -> (JournalEntry, Part) {
        (self.entry, self.part)
    }

    fn join((entry, part): (JournalEntry, Part)) -> Self {
        Self { entry, part }
    }
}

impl Part {
    fn done(self) {
        if let Some(ticket) = self.ticket {
            ticket.part_done();
        }
        drop(self.room);
        if let Some(durable) = self.durable {
            // Whoever ordered it may have stopped waiting.
            let _ = durable.send(());
        }
    }
}
