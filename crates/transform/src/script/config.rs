//! What an operator can set about scripts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::pool::PoolSettings;

/// Section `scripts`: the worker processes that run what tenants write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptsConfig {
    /// How many worker processes a service keeps; one more than it has cores where absent.
    pub workers: Option<u16>,
    /// The program that becomes a worker: any of the platform's; the service's own where absent.
    pub worker_program: Option<PathBuf>,
}

impl ScriptsConfig {
    /// The settings of a pool.
    pub fn pool(&self) -> PoolSettings {
        let usual = PoolSettings::default();
        PoolSettings {
            workers: self.workers.map_or(usual.workers, |workers| usize::from(workers).max(1)),
            program: self.worker_program.clone().unwrap_or_else(|| usual.program.clone()),
            ..usual
        }
    }
}
