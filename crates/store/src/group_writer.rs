//! Group commit for the journal: writes many entries at a time, and notifies their waiters only then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::ports::{Journal, JournalEntry, StoreError};
use metrics::{counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The most entries in one write.
const MAX_GROUP: usize = 500;
/// How often refused entries are retried.
const REFUSED_RETRY_INTERVAL: Duration = Duration::from_secs(10);
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);
const ENTRIES: &str = "ig_journal_group_entries";
const DURATION: &str = "ig_journal_write_duration_seconds";
const FAILURES: &str = "ig_journal_failures_total";
/// Counter: entries that could only be stored without their payload.
const REDUCED: &str = "ig_journal_reduced_entries_total";

/// Waits for an entry to become durable.
pub trait JournalWaiter: Send + 'static {
    /// The entry is durable.
    fn durable(self);

    /// The database refuses the entry, so it is set aside: release bounded resources, so that other entries proceed.
    fn set_aside(&mut self) {}
}

/// One entry and its waiter.
struct Pending<A> {
    entry: JournalEntry,
    waiter: A,
}

/// A message to the writer.
enum WriterMessage<A> {
    /// An entry to write.
    Entry(Box<Pending<A>>),
    /// Notify the sender once all earlier messages are processed.
    Flush(oneshot::Sender<()>),
}

/// The sending end of a writer's queue. Clones share the queue.
#[derive(Debug)]
pub struct JournalQueue<A>(mpsc::UnboundedSender<WriterMessage<A>>);

/// The receiving end of a queue: run it as a task.
pub struct GroupWriter<A> {
    queue: mpsc::UnboundedReceiver<WriterMessage<A>>,
    journal: Arc<dyn Journal>,
    refused: Vec<Pending<A>>,
}

/// Creates an unbounded queue and its writer; the senders have to limit what waits in it.
pub fn journal_queue<A: JournalWaiter>(journal: Arc<dyn Journal>) -> (JournalQueue<A>, GroupWriter<A>) {
    let (sender, queue) = mpsc::unbounded_channel();
    let writer = GroupWriter {
        queue,
        journal,
        refused: Vec::new(),
    };
    (JournalQueue(sender), writer)
}

impl<A> Clone for JournalQueue<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A> std::fmt::Debug for GroupWriter<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupWriter").finish_non_exhaustive()
    }
}

impl<A: JournalWaiter> JournalQueue<A> {
    /// Queues an entry; if the writer has ended, the waiter is never notified.
    pub fn send(&self, entry: JournalEntry, waiter: A) {
        if self
            .0
            .send(WriterMessage::Entry(Box::new(Pending { entry, waiter })))
            .is_err()
        {
            tracing::error!("the journal's writer is gone; an entry is not written");
        }
    }

    /// Waits until every entry queued so far is written or set aside; entries queued later do not prolong the wait.
    pub async fn flushed(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(WriterMessage::Flush(done)).is_ok() {
            // A writer that has ended writes nothing more.
            let _ = flushed.await;
        }
    }
}

impl<A: JournalWaiter> GroupWriter<A> {
    /// Writes until cancelled, and then what is left in the queue.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut messages = Vec::with_capacity(MAX_GROUP);
        loop {
            let mut group = Vec::new();
            tokio::select! {
                biased;
                received = self.queue.recv_many(&mut messages, MAX_GROUP) => if received == 0 { return },
                () = tokio::time::sleep(REFUSED_RETRY_INTERVAL), if !self.refused.is_empty() => group.append(&mut self.refused),
                () = stop.cancelled() => return,
            }
            let mut marks = Vec::new();
            for message in messages.drain(..) {
                match message {
                    WriterMessage::Entry(pending) => group.push(*pending),
                    WriterMessage::Flush(mark) => marks.push(mark),
                }
            }
            if !group.is_empty() {
                self.write(group).await;
            }
            for mark in marks {
                // The receiver may have stopped waiting.
                let _ = mark.send(());
            }
        }
    }

    /// Writes a group. If the database refuses it, its entries are written one by one, and an entry that is refused
    /// alone is written without its payload. An entry that is refused even so is set aside and retried later: its
    /// waiter is not notified, and the others proceed.
    async fn write(&mut self, group: Vec<Pending<A>>) {
        let (entries, waiting): (Vec<_>, Vec<_>) = group.into_iter().map(Pending::into_parts).unzip();
        let began = Instant::now();
        match self.write_through(&entries).await {
            Ok(()) => {
                record_write(waiting.len(), began.elapsed());
                waiting.into_iter().for_each(JournalWaiter::durable);
            }
            Err(error) if entries.len() == 1 => {
                for pending in entries.into_iter().zip(waiting).map(Pending::from_parts) {
                    self.write_without_payload(pending, &error).await;
                }
            }
            Err(error) => {
                tracing::warn!(error, "a group of journal entries was refused; writing them one by one");
                for pending in entries.into_iter().zip(waiting).map(Pending::from_parts) {
                    Box::pin(self.write(vec![pending])).await;
                }
            }
        }
    }

    async fn write_without_payload(&mut self, pending: Pending<A>, refusal: &str) {
        let reduced = pending.entry.without_payload(refusal);
        let written = if reduced.is_empty() {
            Err(refusal.to_owned())
        } else {
            self.write_through(&reduced).await
        };
        match written {
            Ok(()) => {
                tracing::error!(refusal, "a journal entry was refused and is kept without its payload");
                counter!(REDUCED).increment(1);
                pending.waiter.durable();
            }
            Err(error) => {
                tracing::error!(
                    error,
                    "a journal entry was refused and is set aside; nothing that waits for it is done"
                );
                let Pending { entry, mut waiter } = pending;
                waiter.set_aside();
                self.refused.push(Pending { entry, waiter });
            }
        }
    }

    /// Retries until the database answers; the error is its refusal.
    async fn write_through(&self, entries: &[JournalEntry]) -> Result<(), String> {
        let mut pause = MIN_PAUSE;
        loop {
            match self.journal.record(entries).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Refused(error)) => return Err(error),
                Err(StoreError::Unavailable(error)) => {
                    tracing::warn!(error, entries = entries.len(), "the journal cannot be written; trying again");
                    counter!(FAILURES).increment(1);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

impl<A> Pending<A> {
    fn into_parts(self) -> (JournalEntry, A) {
        (self.entry, self.waiter)
    }

    fn from_parts((entry, waiter): (JournalEntry, A)) -> Self {
        Self { entry, waiter }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a measurement is a float")]
fn record_write(entries: usize, took: Duration) {
    histogram!(ENTRIES).record(entries as f64);
    histogram!(DURATION).record(took);
}
