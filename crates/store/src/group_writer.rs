//! Writes journal entries down many at a time, and only then tells whoever waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::ports::{Journal, JournalEntry, StoreError};
use metrics::{counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The most entries written at a time.
const GROUP: usize = 500;
/// How often entries that were refused are tried again.
const TRY_REFUSED: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const ENTRIES: &str = "ig_journal_group_entries";
const DURATION: &str = "ig_journal_write_duration_seconds";
const FAILURES: &str = "ig_journal_failures_total";
/// Counter: entries that could only be stored without their payload.
const REDUCED: &str = "ig_journal_reduced_entries_total";

/// Whoever waits for an entry to be durable.
pub trait Awaits: Send + 'static {
    /// It is durable.
    fn durable(self);

    /// It is set aside, since the database refuses it: what is bounded is given back, so that the others go on.
    fn set_aside(&mut self) {}
}

/// One entry, and who waits for it.
struct Pending<A> {
    entry: JournalEntry,
    awaits: A,
}

/// What is handed over to a writer.
enum Handed<A> {
    /// To be written.
    Entry(Box<Pending<A>>),
    /// Wants to know when all before it is written.
    Mark(oneshot::Sender<()>),
}

/// The way to a writer. Clones lead to the same one.
#[derive(Debug)]
pub struct JournalQueue<A>(mpsc::UnboundedSender<Handed<A>>);

/// The other end of a queue: run it as a task.
pub struct GroupWriter<A> {
    queue: mpsc::UnboundedReceiver<Handed<A>>,
    journal: Arc<dyn Journal>,
    refused: Vec<Pending<A>>,
}

/// A queue of any length and its writer; how much may wait in it is for those to bound who put it there.
pub fn journal_queue<A: Awaits>(journal: Arc<dyn Journal>) -> (JournalQueue<A>, GroupWriter<A>) {
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

impl<A: Awaits> JournalQueue<A> {
    /// Hands over an entry; where the writer is gone, nobody is ever told that it is durable.
    pub fn send(&self, entry: JournalEntry, awaits: A) {
        if self.0.send(Handed::Entry(Box::new(Pending { entry, awaits }))).is_err() {
            tracing::error!("the journal's writer is gone; an entry is not written");
        }
    }

    /// Waits until all that was handed over before is written or set aside; however much is handed over meanwhile, it is not waited for.
    pub async fn flushed(&self) {
        let (mark, reached) = oneshot::channel();
        if self.0.send(Handed::Mark(mark)).is_ok() {
            // A writer that has ended writes nothing more.
            let _ = reached.await;
        }
    }
}

impl<A: Awaits> GroupWriter<A> {
    /// Writes until told that nothing more will come, and then what is left.
    pub async fn run(mut self, last: CancellationToken) {
        let mut handed = Vec::with_capacity(GROUP);
        loop {
            let mut group = Vec::new();
            tokio::select! {
                biased;
                received = self.queue.recv_many(&mut handed, GROUP) => if received == 0 { return },
                () = tokio::time::sleep(TRY_REFUSED), if !self.refused.is_empty() => group.append(&mut self.refused),
                () = last.cancelled() => return,
            }
            let mut marks = Vec::new();
            for handed in handed.drain(..) {
                match handed {
                    Handed::Entry(pending) => group.push(*pending),
                    Handed::Mark(mark) => marks.push(mark),
                }
            }
            if !group.is_empty() {
                self.write(group).await;
            }
            for mark in marks {
                // Who asked may have stopped waiting.
                let _ = mark.send(());
            }
        }
    }

    /// Writes a group. What the database refuses as a group is written one by one; an entry that is refused by itself is written without
    /// its payload. What is refused even so is set aside and tried again later: nobody is told that it is durable, and the others go on.
    async fn write(&mut self, group: Vec<Pending<A>>) {
        let (entries, waiting): (Vec<_>, Vec<_>) = group.into_iter().map(Pending::split).unzip();
        let began = Instant::now();
        match self.write_through(&entries).await {
            Ok(()) => {
                measured(waiting.len(), began.elapsed());
                waiting.into_iter().for_each(Awaits::durable);
            }
            Err(error) if entries.len() == 1 => {
                for pending in entries.into_iter().zip(waiting).map(Pending::join) {
                    self.write_without_payload(pending, &error).await;
                }
            }
            Err(error) => {
                tracing::warn!(error, "a group of journal entries was refused; writing them one by one");
                for pending in entries.into_iter().zip(waiting).map(Pending::join) {
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
                pending.awaits.durable();
            }
            Err(error) => {
                tracing::error!(
                    error,
                    "a journal entry was refused and is set aside; nothing that waits for it is done"
                );
                let Pending { entry, mut awaits } = pending;
                awaits.set_aside();
                self.refused.push(Pending { entry, awaits });
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
                    counter!(FAILURES).increment(1);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl<A> Pending<A> {
    fn split(self) -> (JournalEntry, A) {
        (self.entry, self.awaits)
    }

    fn join((entry, awaits): (JournalEntry, A)) -> Self {
        Self { entry, awaits }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a measurement is a float")]
fn measured(entries: usize, took: Duration) {
    histogram!(ENTRIES).record(entries as f64);
    histogram!(DURATION).record(took);
}
