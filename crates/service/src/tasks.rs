//! The only place where a task is spawned: each has a name and a declared fate.

use std::{any::Any, collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::host::Stop;

/// What an aborted task gets to drop what it holds.
const ABORT: Duration = Duration::from_secs(1);

/// What is to become of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Runs until it sees the stop; its end or panic before that takes the process down.
    RunsUntilShutdown,
    /// Ends by itself; a panic is logged and touches nobody else.
    Finishes,
}

/// The tasks of one service, tracked until they end.
#[derive(Debug, Clone)]
pub struct Tasks {
    service: Arc<str>,
    stop: Stop,
    stopping: CancellationToken,
    tracker: TaskTracker,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    tasks: BTreeMap<u64, (String, Option<AbortHandle>)>,
}

impl Tasks {
    pub(crate) fn new(service: &str, stop: Stop, stopping: CancellationToken) -> Self {
        let (tracker, running) = (TaskTracker::new(), Arc::default());
        Self {
            service: service.into(),
            stop,
            stopping,
            tracker,
            running,
        }
    }

    /// Starts a task. One that finishes stays in the span it was started from; one that runs on has none.
    pub fn spawn<F>(&self, name: impl Into<String>, fate: Fate, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let span = match fate {
            Fate::RunsUntilShutdown => tracing::Span::none(),
            Fate::Finishes => tracing::Span::current(),
        };
        let id = self.enter(&name);
        let (tasks, of) = (self.clone(), name.clone());
        let watched = async move {
            let end = AssertUnwindSafe(future).catch_unwind().await;
            tasks.ended(&of, fate, end.err().as_deref());
        };
        let left = Left { tasks: self.clone(), id };
        let tracked = self.tracker.track_future(async move {
            let _left = left;
            watched.instrument(span).await;
        });
        let abort = start(tracked);
        if let Some(entry) = self.running.lock().tasks.get_mut(&id) {
            entry.1 = Some(abort);
        }
    }

    /// Cancelled when the service has to take in no more; every task that runs on listens to it.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Names of the tasks that have not ended.
    pub fn running(&self) -> Vec<String> {
        self.running.lock().tasks.values().map(|(name, _)| name.clone()).collect()
    }

    /// Waits for every task to end, up to `grace`, then aborts the rest; their names are the error.
    pub(crate) async fn drain(&self, grace: Duration) -> Result<(), Vec<String>> {
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let left = self.running();
        self.abort();
        // A task that never comes to an await cannot be aborted, and must not hold the rest up.
        let _ = tokio::time::timeout(ABORT, self.tracker.wait()).await;
        Err(left)
    }

    fn enter(&self, name: &str) -> u64 {
        let mut running = self.running.lock();
        let id = running.next;
        running.next += 1;
        running.tasks.insert(id, (name.to_owned(), None));
        id
    }

    fn abort(&self) {
        let handles: Vec<_> = self
            .running
            .lock()
            .tasks
            .values()
            .filter_map(|(_, handle)| handle.clone())
            .collect();
        handles.iter().for_each(AbortHandle::abort);
    }

    fn ended(&self, name: &str, fate: Fate, panic: Option<&(dyn Any + Send)>) {
        let service = &*self.service;
        let reason = panic.map(message);
        match (fate, reason) {
            (Fate::RunsUntilShutdown, Some(reason)) => self.fail(name, &format!("panicked: {reason}")),
            (Fate::RunsUntilShutdown, None) if !self.stopping.is_cancelled() => self.fail(name, "ended before the shutdown"),
            (Fate::RunsUntilShutdown | Fate::Finishes, None) => {}
            (Fate::Finishes, Some(reason)) => tracing::error!(service, task = name, reason, "task panicked"),
        }
    }

    fn fail(&self, name: &str, reason: &str) {
        tracing::error!(
            service = &*self.service,
            task = name,
            reason,
            "task failed, the process stops"
        );
        self.stop.fail();
    }
}

/// Takes the task off the list also when it is aborted.
struct Left {
    tasks: Tasks,
    id: u64,
}

impl Drop for Left {
    fn drop(&mut self) {
        self.tasks.running.lock().tasks.remove(&self.id);
    }
}

// The one spawn: everything above exists so that nothing else needs it.
#[allow(clippy::disallowed_methods)]
fn start(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(future).abort_handle()
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
