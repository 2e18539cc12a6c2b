//! Section `[sources]`: the sources, and how they are read.

use serde::{Deserialize, Serialize};

mod fault;
mod identifier;
mod mysql;
mod push;
mod start;
mod time_zone;
mod url;

pub use fault::ConfigFault;
pub use mysql::{ColumnNames, EntityTable, MySqlConfig};
pub use push::PushConfig;
pub use start::Start;
pub use time_zone::TimeZone;

use fault::FaultCollector;

/// Section `[sources]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcesConfig {
    /// A MySQL queue table; not read unless it has a `url`.
    pub mysql: MySqlConfig,
    /// Events that clients push.
    pub push: PushConfig,
}

impl SourcesConfig {
    /// Every fault; keys are relative to this section, such as `mysql.columns.id`.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = FaultCollector::default();
        faults.in_section("mysql", |faults| self.mysql.check(faults));
        faults.in_section("push", |faults| self.push.check(faults));
        faults.into_faults()
    }
}
