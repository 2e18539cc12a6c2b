//! What a pool is started with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Settings of a pool; the default is what services use.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// The program that becomes a worker; by default this very program, whose `main` has to call [`is_worker`](super::super::is_worker).
    pub program: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<OsString>,
    /// The number of workers; by default one more than there are cores.
    pub workers: usize,
    /// How long a call waits for a worker before it fails as unavailable.
    pub acquire_timeout: Duration,
    /// How long compiling a source may take.
    pub load_deadline: Duration,
    /// How many stopped runs within [`stop_window`](Self::stop_window) disable a script.
    pub stops: usize,
    /// How long the breaker remembers a stopped run.
    pub stop_window: Duration,
    /// How long a script stays disabled; afterwards its count of stops begins at zero.
    pub cool_down: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            program: "/proc/self/exe".into(),
            arguments: Vec::new(),
            workers: thread::available_parallelism().map_or(2, usize::from) + 1,
            acquire_timeout: Duration::from_secs(10),
            load_deadline: Duration::from_secs(2),
            stops: 3,
            stop_window: Duration::from_mins(5),
            cool_down: Duration::from_mins(15),
        }
    }
}
