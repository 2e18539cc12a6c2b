//! Writes down what happened, many entries at a time, and only then lets events count as done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::ports::{Journal, JournalEntry, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::tracker::Ticket;

/// The most entries written at a time.
const GROUP: usize = 500;
/// How long one waits for the journal to catch up.
const PATIENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One entry, and whose part is done once it is durable.
struct Pending {
    entry: JournalEntry,
    ticket: Option<Ticket>,
    room: Option<OwnedSemaphorePermit>,
}

/// The way to the journal.
#[derive(Clone)]
pub(crate) struct Recorder {
    queue: mpsc::UnboundedSender<Pending>,
    unrecorded: Arc<Semaphore>,
    capacity: u32,
}

/// The other end: run it as a task.
pub(crate) struct Writer {
    queue: mpsc::UnboundedReceiver<Pending>,
    journal: Arc<dyn Journal>,
}

/// A recorder that lets at most `max_unrecorded` deliveries wait to be durable, and its writer.
pub(crate) fn recorder(journal: Arc<dyn Journal>, max_unrecorded: usize) -> (Recorder, Writer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let capacity = u32::try_from(max_unrecorded).unwrap_or(u32::MAX).max(1);
    let recorder = Recorder {
        queue: sender,
        unrecorded: Arc::new(Semaphore::new(capacity as usize)),
        capacity,
    };
    let writer = Writer {
        queue: receiver,
        journal,
    };
    (recorder, writer)
}

impl Recorder {
    /// Room for one delivery that was made; it is given back when the delivery is durable. A lane that waits for it sends nothing more.
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unrecorded).acquire_owned().await.ok()
    }

    /// Hands over an entry; the ticket's part is done once it is durable.
    pub(crate) fn record(&self, entry: JournalEntry, ticket: Option<Ticket>, room: Option<OwnedSemaphorePermit>) {
        let pending = Pending { entry, ticket, room };
        if self.queue.send(pending).is_err() {
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
                () = last.cancelled() => return,
            }
            self.write(std::mem::take(&mut group)).await;
        }
    }

    async fn write(&self, group: Vec<Pending>) {
        let began = Instant::now();
        let (entries, rest): (Vec<_>, Vec<_>) = group.into_iter().map(split).unzip();
        self.write_entries(entries).await;
        metrics::journal_group(rest.len(), began.elapsed());
        for (ticket, room) in rest {
            if let Some(ticket) = ticket {
                ticket.part_done();
            }
            drop(room);
        }
    }

    /// Tries until the entries are written; what the database refuses as a group is written one by one.
    async fn write_entries(&self, entries: Vec<JournalEntry>) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.journal.record(&entries).await {
                Ok(()) => return,
                Err(StoreError::Refused(error)) if entries.len() > 1 => {
                    tracing::warn!(error, "a group of journal entries was refused; writing them one by one");
                    for entry in entries {
                        Box::pin(self.write_entries(vec![entry])).await;
                    }
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, entries = entries.len(), "the journal cannot be written; trying again");
                    metrics::journal_failed();
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn split(pending: Pending) -> (JournalEntry, (Option<Ticket>, Option<OwnedSemaphorePermit>)) {
    let Pending { entry, ticket, room } = pending;
    (entry, (ticket, room))
}
