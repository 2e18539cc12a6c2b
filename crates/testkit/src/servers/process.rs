//! A server as a child process, which dies with the test and can be killed, frozen and restarted.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wait::eventually;

/// A program with its arguments and a directory that survives restarts.
#[derive(Debug)]
pub(super) struct Server {
    program: PathBuf,
    arguments: Vec<OsString>,
    directory: TempDir,
    child: Option<Child>,
}

impl Server {
    /// A server that has not started; its data belongs below `directory`.
    pub(super) fn new(program: PathBuf, directory: TempDir, arguments: Vec<OsString>) -> Self {
        Self {
            program,
            arguments,
            directory,
            child: None,
        }
    }

    /// Starts the server and waits until `ready`.
    pub(super) async fn start(&mut self, mut ready: impl AsyncFnMut() -> bool) {
        assert!(self.child.is_none(), "{} runs already", self.program.display());
        self.child = Some(self.spawn());
        let name = format!("{} is ready", self.program.display());
        eventually(&name, async || {
            self.assert_running();
            ready().await
        })
        .await;
    }

    fn spawn(&self) -> Child {
        let log = File::create(self.log_path()).expect("a log file in a fresh directory");
        let also_log = log.try_clone().expect("a second handle of the log");
        // `setpriv` sets the parent-death signal of the starting thread and then executes the server.
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also_log)
            .spawn()
            .expect("setpriv of util-linux")
    }

    fn assert_running(&mut self) {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
        if let Some(status) = ended {
            let log = fs::read_to_string(self.log_path()).unwrap_or_default();
            panic!("{} ended with {status}:\n{log}", self.program.display());
        }
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }

    /// Kills the server with SIGKILL; writes that are not durable are lost.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Freezes the server. Its threads take the signal one after another, so this waits for the last.
    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
        let pid = self.child.as_ref().expect("the server runs").id();
        while !threads_have_stopped(pid) {
            std::thread::yield_now();
        }
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server runs");
        kill_process(Pid::from_child(child), signal).expect("the child is ours");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether every thread of a process is in state `T`.
fn threads_have_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the server runs");
    let states = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    // The state follows the name, which is in parentheses and may contain anything.
    states
        .into_iter()
        .all(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')))
}

/// Finds a program on PATH, in /usr/sbin or in `.local/bin` of the repository.
pub(super) fn find(program: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), own])
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed: run `make setup`"))
}

/// A fresh directory for a server.
pub(super) fn directory() -> TempDir {
    TempDir::with_prefix("ig-server-").expect("a temporary directory")
}
