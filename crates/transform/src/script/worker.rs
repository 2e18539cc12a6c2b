//! The worker: a process that runs scripts and can do nothing else.

mod boa;
mod confine;
mod digits;
mod engine;
mod nesting;
mod schema;
mod serve;
mod shelf;
mod talk;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// In the environment of a worker: which of its two starts this is.
pub(crate) const MARK: &str = "IG_SCRIPT_WORKER";
/// The first start limits the process and executes the program again.
pub(crate) const FIRST_START: &str = "limit";
/// The same for a worker that yields the processor to others.
pub(crate) const FIRST_START_APART: &str = "limit-and-yield";
const SECOND_START: &str = "serve";
const SECOND_START_APART: &str = "serve-and-yield";

/// Whether this process was started to be a worker; then [`worker_main`] is all that it may do.
pub fn is_worker() -> bool {
    std::env::var_os(MARK).is_some()
}

/// What a worker does, until its service closes the socket. Call it first thing in `main`, before any thread starts.
///
/// A worker executes its program a second time, under its limits: an allocator that reserved address space at the first start
/// would keep what it has, whatever the limit says later.
pub fn worker_main() -> ExitCode {
    let mark = std::env::var_os(MARK).unwrap_or_default();
    let end = match mark.to_str() {
        Some(FIRST_START) => start_again(SECOND_START),
        Some(FIRST_START_APART) => start_again(SECOND_START_APART),
        Some(SECOND_START_APART) => {
            confine::yield_to_others();
            serve::serve()
        }
        _ => serve::serve(),
    };
    if end.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn start_again(mark: &str) -> std::io::Result<()> {
    confine::before_start()?;
    let error = Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .env_clear()
        .env(MARK, mark)
        .exec();
    Err(error)
}
