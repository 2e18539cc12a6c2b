//! The thread that starts workers, ends them and buries them.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use super::worker::Worker;

/// How long it waits before it tries again to start a worker.
const AGAIN: Duration = Duration::from_millis(500);
/// How often it looks whether idle workers are alive.
const LOOK: Duration = Duration::from_secs(1);

/// A worker that is to be replaced, and who wants to know how it ended.
pub(super) struct Order {
    pub(super) worker: Worker,
    pub(super) ended: Option<oneshot::Sender<io::Result<ExitStatus>>>,
}

/// Starts the thread; it ends with the pool.
pub(super) fn start(shared: &Arc<Shared>, orders: mpsc::Receiver<Order>) -> io::Result<()> {
    let (missing, shared) = (shared.settings.workers, Arc::downgrade(shared));
    let keeper = Keeper { shared, orders, missing };
    thread::Builder::new()
        .name("script-keeper".to_owned())
        .spawn(|| keeper.keep())?;
    Ok(())
}

struct Keeper {
    shared: Weak<Shared>,
    orders: mpsc::Receiver<Order>,
    missing: usize,
}

impl Keeper {
    fn keep(mut self) {
        loop {
            if self.fill().is_none() {
                return;
            }
            let wait = if self.missing > 0 { AGAIN } else { LOOK };
            match self.orders.recv_timeout(wait) {
                Ok(order) => self.replace(order),
                Err(mpsc::RecvTimeoutError::Timeout) => self.look(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Starts what is missing; what is to be buried comes first, for somebody waits to hear of it.
    fn fill(&mut self) -> Option<()> {
        while self.missing > 0 {
            while let Ok(order) = self.orders.try_recv() {
                self.replace(order);
            }
            let settings = self.shared.upgrade()?.settings.clone();
            match Worker::start(&settings) {
                Ok(worker) => {
                    self.missing -= 1;
                    self.shared.upgrade()?.arrived(worker);
                }
                Err(error) => {
                    tracing::error!(%error, program = %settings.program.display(), "a script worker did not start");
                    break;
                }
            }
        }
        Some(())
    }

    fn replace(&mut self, order: Order) {
        let Order { mut worker, ended } = order;
        let status = worker.end();
        self.missing += 1;
        // The caller may be gone.
        let _ = ended.map(|ended| ended.send(status));
    }

    /// Finds workers that died while nobody talked to them.
    fn look(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let dead = shared.desk.lock().take_dead();
        self.missing += dead.len();
    }
}
