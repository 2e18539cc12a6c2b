//! The worker: a process that can do nothing but run scripts.

mod boa;
mod confine;
mod engine;
mod nesting;
mod number_digits;
mod schema;
mod script_cache;
mod serve;
mod service_socket;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// The environment variable that makes a process a worker; its value says which of its two starts this is.
pub(crate) const WORKER_ENV: &str = "IG_SCRIPT_WORKER";
/// The first start sets the limits of the process and executes the program again.
pub(crate) const FIRST_START: &str = "limit";
/// The first start of a worker that yields the processor to other processes.
pub(crate) const FIRST_START_YIELDING: &str = "limit-and-yield";
const SECOND_START: &str = "serve";
const SECOND_START_YIELDING: &str = "serve-and-yield";

/// Whether this process was started as a worker; then [`worker_main`] is all that it may do.
pub fn is_worker() -> bool {
    std::env::var_os(WORKER_ENV).is_some()
}

/// Runs a worker until its service closes the socket. Call it first thing in `main`, before any thread starts.
///
/// A worker executes its program a second time, under its limits: an allocator that reserved address space at the first start would keep it
/// in spite of a later limit.
pub fn worker_main() -> ExitCode {
    let start = std::env::var_os(WORKER_ENV).unwrap_or_default();
    let end = match start.to_str() {
        Some(FIRST_START) => start_again(SECOND_START),
        Some(FIRST_START_YIELDING) => start_again(SECOND_START_YIELDING),
        Some(SECOND_START_YIELDING) => {
            confine::yield_to_others();
            serve::serve()
        }
        _ => serve::serve(),
    };
    if end.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn start_again(start: &str) -> std::io::Result<()> {
    confine::before_start()?;
    let error = Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .env_clear()
        .env(WORKER_ENV, start)
        .exec();
    Err(error)
}
