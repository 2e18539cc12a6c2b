//! Runs igctl and ends it with the test.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

/// The program with only PATH in its environment.
pub(crate) fn igctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_igctl"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("igctl runs")
}

/// A running stack.
pub(crate) struct RunningStack {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl RunningStack {
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        let (data, ready) = (folder.join("data"), folder.join("ready.json"));
        let mut command = igctl(&["up", "--http", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(data).arg("--ready-file").arg(ready).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("igctl runs");
        let lines = follow(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    /// The lines printed so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Whether the process still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its own child").is_none()
    }

    /// The child processes.
    pub(crate) fn children(&self) -> Vec<u32> {
        let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
        let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        processes
            .filter(|process| parent(*process) == Some(self.child.id()))
            .collect()
    }

    /// Sends SIGTERM and waits.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let process = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process number");
        kill_process(process, Signal::TERM).expect("it takes signals");
        self.child.wait().expect("its own child")
    }
}

impl Drop for RunningStack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process runs.
pub(crate) fn is_alive(process: u32) -> bool {
    parent(process).is_some()
}

/// Field 4 of `/proc/N/stat`, after the parenthesised name, which may contain blanks. A zombie counts as gone.
fn parent(process: u32) -> Option<u32> {
    let mut stat = String::new();
    std::fs::File::open(format!("/proc/{process}/stat"))
        .ok()?
        .read_to_string(&mut stat)
        .ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    fields.next()?.parse().ok().filter(|_| state != "Z")
}

fn follow(stdout: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&lines);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            seen.lock().unwrap().push(line);
        }
    });
    lines
}
