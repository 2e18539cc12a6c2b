//! A server of another make, run as a child for local stacks.

mod output;
mod spawn;

use std::{ffi::OsString, io, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};

use rustix::{fd::OwnedFd, process::Signal};
use tokio::{net::TcpStream, sync::watch, time::Instant};

use output::Tail;

/// Between two looks at a port that does not answer yet.
const POLL: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program, by path or to be found on PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// A child that could not be started, or did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no such program, or it may not be run.
    #[error("cannot run {}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended before its port answered.
    #[error("{} ended with {status} before {address} answered\n{output}", program.display())]
    Ended {
        /// The program.
        program: PathBuf,
        /// The port waited for.
        address: SocketAddr,
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it wrote.
        output: String,
    },
    /// Its port did not answer in time.
    #[error("{} did not answer on {address} within {} s\n{output}", program.display(), within.as_secs())]
    Late {
        /// The program.
        program: PathBuf,
        /// The port waited for.
        address: SocketAddr,
        /// How long it was given.
        within: Duration,
        /// The last lines that it wrote.
        output: String,
    },
}

/// A running child: it ends when it is stopped, when this is dropped, and when this process dies, however that happens.
#[derive(Debug)]
pub struct Child {
    program: PathBuf,
    id: u32,
    handle: OwnedFd,
    output: Tail,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts a child; what it writes is kept for errors, the last lines alone.
    pub fn start(command: Command) -> Result<Self, ChildError> {
        let program = command.program.clone();
        spawn::start(command).map_err(|source| ChildError::Spawn { program, source })
    }

    /// Waits until something answers on `address`, or the child has ended.
    pub async fn answers(&mut self, address: SocketAddr, within: Duration) -> Result<(), ChildError> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.exited() {
                let (program, output) = (self.program.clone(), self.output.text());
                return Err(ChildError::Ended {
                    program,
                    address,
                    status,
                    output,
                });
            }
            if TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let (program, output) = (self.program.clone(), self.output.text());
                return Err(ChildError::Late {
                    program,
                    address,
                    within,
                    output,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// How it ended, if it has.
    pub fn exited(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits until it ends by itself.
    pub async fn ended(&self) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await.ok()?;
        *ended
    }

    /// Asks it to end with SIGTERM, and insists with SIGKILL when it has not after `grace`.
    pub async fn stop(self, grace: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        if let Ok(status) = tokio::time::timeout(grace, self.ended()).await {
            return status;
        }
        self.signal(Signal::KILL);
        self.ended().await
    }

    /// A child that has ended already gets no signal: the handle names the process, not its number.
    fn signal(&self, signal: Signal) {
        let _ = rustix::process::pidfd_send_signal(&self.handle, signal);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
