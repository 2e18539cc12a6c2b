//! Third-party servers as child processes, for local stacks.

mod output;
mod spawn;

use std::{ffi::OsString, io, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};

use rustix::{fd::OwnedFd, process::Signal};
use tokio::{net::TcpStream, sync::watch, time::Instant};

use output::OutputTail;

/// Delay between two connection attempts to a port that is not open yet.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The command line of a child.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program: a path, or a name to look up on PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// A child that did not start or did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The program does not exist or is not executable.
    #[error("cannot run {}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The child exited before its port answered.
    #[error("{} ended with {status} before {address} answered\n{output}", program.display())]
    Exited {
        /// The program.
        program: PathBuf,
        /// The address of the port.
        address: SocketAddr,
        /// The exit status.
        status: ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// The port did not answer in time.
    #[error("{} did not answer on {address} within {} s\n{output}", program.display(), timeout.as_secs())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The address of the port.
        address: SocketAddr,
        /// The time limit.
        timeout: Duration,
        /// The last lines of its output.
        output: String,
    },
}

/// A running child process. It ends when it is stopped or dropped, and when this process dies for any reason.
#[derive(Debug)]
pub struct Child {
    program: PathBuf,
    id: u32,
    handle: OwnedFd,
    output: OutputTail,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts a child and keeps the last lines of its output for error messages.
    pub fn start(command: Command) -> Result<Self, ChildError> {
        let program = command.program.clone();
        spawn::start(command).map_err(|source| ChildError::Spawn { program, source })
    }

    /// Waits until `address` accepts connections or the child exits.
    pub async fn wait_for_port(&mut self, address: SocketAddr, timeout: Duration) -> Result<(), ChildError> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.exit_status() {
                let (program, output) = (self.program.clone(), self.output.text());
                return Err(ChildError::Exited {
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
                return Err(ChildError::TimedOut {
                    program,
                    address,
                    timeout,
                    output,
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The exit status, once the child has exited.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits until the child exits by itself.
    pub async fn wait(&self) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await.ok()?;
        *ended
    }

    /// Sends SIGTERM, and SIGKILL if the child still runs after `grace`.
    pub async fn stop(self, grace: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        if let Ok(status) = tokio::time::timeout(grace, self.wait()).await {
            return status;
        }
        self.signal(Signal::KILL);
        self.wait().await
    }

    /// An exited child gets no signal: the handle refers to the process, not to a reusable process id.
    fn signal(&self, signal: Signal) {
        let _ = rustix::process::pidfd_send_signal(&self.handle, signal);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
