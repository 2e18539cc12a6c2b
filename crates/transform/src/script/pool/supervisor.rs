//! The thread that starts, kills and reaps workers.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use super::subpool::Subpool;
use super::worker::Worker;

/// How long it waits before it tries again to start a worker.
const START_RETRY: Duration = Duration::from_millis(500);
/// How often it checks that idle workers are alive.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(1);

/// What the pool asks of the thread.
pub(super) enum Command {
    /// Start one more worker for a subpool.
    Start(Subpool),
    /// Replace a worker, and send its exit status where the caller wants it.
    Replace {
        worker: Worker,
        exited: Option<oneshot::Sender<io::Result<ExitStatus>>>,
    },
}

/// Starts the thread; it ends with the pool.
pub(super) fn start(shared: &Arc<Shared>, commands: mpsc::Receiver<Command>) -> io::Result<()> {
    let to_start = vec![Subpool::Main; shared.settings.workers];
    let shared = Arc::downgrade(shared);
    let supervisor = Supervisor {
        shared,
        commands,
        to_start,
    };
    thread::Builder::new()
        .name("script-keeper".to_owned())
        .spawn(|| supervisor.run())?;
    Ok(())
}

struct Supervisor {
    shared: Weak<Shared>,
    commands: mpsc::Receiver<Command>,
    /// The subpool of each worker that is still to be started.
    to_start: Vec<Subpool>,
}

impl Supervisor {
    fn run(mut self) {
        loop {
            if self.start_missing().is_none() {
                return;
            }
            let wait = if self.to_start.is_empty() {
                LIVENESS_INTERVAL
            } else {
                START_RETRY
            };
            match self.commands.recv_timeout(wait) {
                Ok(command) => self.execute(command),
                Err(mpsc::RecvTimeoutError::Timeout) => self.collect_dead(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Starts the missing workers. Commands come first: a call may be waiting for the exit status of its worker.
    fn start_missing(&mut self) -> Option<()> {
        loop {
            while let Ok(command) = self.commands.try_recv() {
                self.execute(command);
            }
            let Some(subpool) = self.to_start.pop() else { return Some(()) };
            let settings = self.shared.upgrade()?.settings.clone();
            match Worker::start(&settings, subpool) {
                Ok(worker) => self.shared.upgrade()?.add_worker(worker),
                Err(error) => {
                    tracing::error!(%error, program = %settings.program.display(), "a script worker did not start");
                    self.to_start.push(subpool);
                    return Some(());
                }
            }
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Start(subpool) => self.to_start.push(subpool),
            Command::Replace { mut worker, exited } => {
                let status = worker.kill();
                self.to_start.push(worker.subpool());
                // The caller may be gone.
                let _ = exited.map(|exited| exited.send(status));
            }
        }
    }

    /// Finds workers that died while they were idle.
    fn collect_dead(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let dead = shared.dispatcher.lock().take_dead();
        self.to_start.extend(dead.iter().map(Worker::subpool));
    }
}
