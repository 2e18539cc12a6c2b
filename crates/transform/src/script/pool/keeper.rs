//! The thread that starts workers, ends them and buries them.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use super::room::Room;
use super::worker::Worker;

/// How long it waits before it tries again to start a worker.
const AGAIN: Duration = Duration::from_millis(500);
/// How often it looks whether idle workers are alive.
const LOOK: Duration = Duration::from_secs(1);

/// What the thread is told to do.
pub(super) enum Order {
    /// A room needs one more worker.
    Start(Room),
    /// A worker is to be replaced; perhaps somebody wants to know how it ended.
    Replace {
        worker: Worker,
        ended: Option<oneshot::Sender<io::Result<ExitStatus>>>,
    },
}

/// Starts the thread; it ends with the pool.
pub(super) fn start(shared: &Arc<Shared>, orders: mpsc::Receiver<Order>) -> io::Result<()> {
    let missing = vec![Room::Common; shared.settings.workers];
    let shared = Arc::downgrade(shared);
    let keeper = Keeper { shared, orders, missing };
    thread::Builder::new()
        .name("script-keeper".to_owned())
        .spawn(|| keeper.keep())?;
    Ok(())
}

struct Keeper {
    shared: Weak<Shared>,
    orders: mpsc::Receiver<Order>,
    /// A room for each worker that is to be started.
    missing: Vec<Room>,
}

impl Keeper {
    fn keep(mut self) {
        loop {
            if self.fill().is_none() {
                return;
            }
            let wait = if self.missing.is_empty() { LOOK } else { AGAIN };
            match self.orders.recv_timeout(wait) {
                Ok(order) => self.carry_out(order),
                Err(mpsc::RecvTimeoutError::Timeout) => self.look(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Starts what is missing; what is to be buried comes first, for somebody waits to hear of it.
    fn fill(&mut self) -> Option<()> {
        loop {
            while let Ok(order) = self.orders.try_recv() {
                self.carry_out(order);
            }
            let Some(room) = self.missing.pop() else { return Some(()) };
            let settings = self.shared.upgrade()?.settings.clone();
            match Worker::start(&settings, room) {
                Ok(worker) => self.shared.upgrade()?.arrived(worker),
                Err(error) => {
                    tracing::error!(%error, program = %settings.program.display(), "a script worker did not start");
                    self.missing.push(room);
                    return Some(());
                }
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Start(room) => self.missing.push(room),
            Order::Replace { mut worker, ended } => {
                let status = worker.end();
                self.missing.push(worker.room());
                // The caller may be gone.
                let _ = ended.map(|ended| ended.send(status));
            }
        }
    }

    /// Finds workers that died while nobody talked to them.
    fn look(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let dead = shared.desk.lock().take_dead();
        self.missing.extend(dead.iter().map(Worker::room));
    }
}
