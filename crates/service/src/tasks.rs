//! The only place that spawns tasks: each has a name and a declared kind.

use std::{any::Any, collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::host::Stop;

/// How long an aborted task may take to drop its state.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);

/// How a task is meant to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Runs until the shutdown; if it ends or panics earlier, the process stops.
    RunsUntilShutdown,
    /// Ends by itself; a panic is logged and affects no other task.
    OneShot,
}

/// The tasks of one service, tracked until they end.
#[derive(Debug, Clone)]
pub struct Tasks {
    service: Arc<str>,
    stop: Stop,
    stopping: CancellationToken,
    tracker: TaskTracker,
    running: Arc<Mutex<RunningTasks>>,
}

#[derive(Debug, Default)]
struct RunningTasks {
    next_id: u64,
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

    /// Starts a task. A one-shot task stays in the caller's span; a task that runs until the shutdown has none.
    pub fn spawn<F>(&self, name: impl Into<String>, kind: TaskKind, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let span = match kind {
            TaskKind::RunsUntilShutdown => tracing::Span::none(),
            TaskKind::OneShot => tracing::Span::current(),
        };
        let id = self.register(&name);
        let (tasks, task_name) = (self.clone(), name.clone());
        let watched = async move {
            let end = AssertUnwindSafe(future).catch_unwind().await;
            tasks.on_end(&task_name, kind, end.err().as_deref());
        };
        let guard = RunningGuard { tasks: self.clone(), id };
        let tracked = self.tracker.track_future(async move {
            let _guard = guard;
            watched.instrument(span).await;
        });
        let abort = start(tracked);
        if let Some(entry) = self.running.lock().tasks.get_mut(&id) {
            entry.1 = Some(abort);
        }
    }

    /// Cancelled when the service stops intake; every task that runs until the shutdown listens to it.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Names of the unfinished tasks.
    pub fn running(&self) -> Vec<String> {
        self.running.lock().tasks.values().map(|(name, _)| name.clone()).collect()
    }

    /// Waits up to `grace` for every task, then aborts the rest and returns their names as the error.
    pub(crate) async fn drain(&self, grace: Duration) -> Result<(), Vec<String>> {
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let unfinished = self.running();
        self.abort();
        // A task that never reaches an await cannot be aborted, and must not delay the shutdown.
        let _ = tokio::time::timeout(ABORT_TIMEOUT, self.tracker.wait()).await;
        Err(unfinished)
    }

    fn register(&self, name: &str) -> u64 {
        let mut running = self.running.lock();
        let id = running.next_id;
        running.next_id += 1;
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

    fn on_end(&self, name: &str, kind: TaskKind, panic: Option<&(dyn Any + Send)>) {
        let service = &*self.service;
        let reason = panic.map(panic_message);
        match (kind, reason) {
            (TaskKind::RunsUntilShutdown, Some(reason)) => self.fail(name, &format!("panicked: {reason}")),
            (TaskKind::RunsUntilShutdown, None) if !self.stopping.is_cancelled() => self.fail(name, "ended before the shutdown"),
            (TaskKind::RunsUntilShutdown | TaskKind::OneShot, None) => {}
            (TaskKind::OneShot, Some(reason)) => tracing::error!(service, task = name, reason, "task panicked"),
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

/// Removes the task from the list, also when it is aborted.
struct RunningGuard {
    tasks: Tasks,
    id: u64,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.tasks.running.lock().tasks.remove(&self.id);
    }
}

// The only call of `tokio::spawn` in the workspace.
#[allow(clippy::disallowed_methods)]
fn start(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(future).abort_handle()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
