//! Configuration of the script pool.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::pool::PoolSettings;

/// Section `scripts`: the worker processes that run what tenants write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptsConfig {
    /// The number of worker processes; by default one more than there are cores.
    pub workers: Option<u16>,
    /// The program that becomes a worker, which may be any service of the platform; by default the service itself.
    pub worker_program: Option<PathBuf>,
}

impl ScriptsConfig {
    /// The settings of the pool.
    pub fn pool(&self) -> PoolSettings {
        let default = PoolSettings::default();
        PoolSettings {
            workers: self.workers.map_or(default.workers, |workers| usize::from(workers).max(1)),
            program: self.worker_program.clone().unwrap_or_else(|| default.program.clone()),
            ..default
        }
    }
}
