//! What a pool is started with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Settings of a pool; the default is what services use.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// The program that becomes a worker; by default this very program, whose `main` has to ask [`is_worker`](super::super::is_worker).
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How many workers there are: by default one more than cores.
    pub workers: usize,
    /// How long a call waits for a worker before it is told to try later.
    pub patience: Duration,
    /// How long compiling a source may take.
    pub load_deadline: Duration,
    /// How many runs that had to be stopped within [`stop_window`](Self::stop_window) disable a script.
    pub stops: usize,
    /// How long it is remembered that a run had to be stopped.
    pub stop_window: Duration,
    /// How long a script stays disabled; afterwards it begins anew.
    pub cool_down: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            program: "/proc/self/exe".into(),
            arguments: Vec::new(),
            workers: thread::available_parallelism().map_or(2, usize::from) + 1,
            patience: Duration::from_secs(10),
            load_deadline: Duration::from_secs(2),
            stops: 3,
            stop_window: Duration::from_mins(5),
            cool_down: Duration::from_mins(15),
        }
    }
}
