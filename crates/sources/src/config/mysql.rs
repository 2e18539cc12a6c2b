//! Section `[sources.mysql]`.

use std::time::Duration;

use ig_core::event::MAX_PAYLOAD_BYTES;
use ig_core::ports::SourceError;
use ig_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::fault::FaultCollector;
use super::{ConfigFault, Start, TimeZone, identifier, url};

mod tables;

pub use tables::{ColumnNames, EntityTable};

/// Section `[sources.mysql]`: a queue table that other software writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MySqlConfig {
    /// `mysql://user:password@host:port/database`; without it no table is read.
    #[serde(with = "url")]
    pub url: Option<Secret>,
    /// The queue table.
    pub table: String,
    /// The names of its columns.
    pub columns: ColumnNames,
    /// The table that maps an entity to its organisation.
    pub entity_table: EntityTable,
    /// Where the first read begins: `now`, `beginning`, or after the row of an id.
    pub start: Start,
    /// The zone of DATETIME columns and of texts without an offset: a zone's name, or `session` for the zone that the database gives its
    /// sessions. UTC by default. A TIMESTAMP column needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
    /// The longest pause between two polls, in milliseconds.
    pub poll_interval_ms: u64,
    /// How long to wait for a missing id, in seconds: transactions must not stay open longer than this.
    pub hole_watch_seconds: u64,
    /// Larger payloads are not read. The limit is what the store can hold if the delivery fails.
    pub max_payload_bytes: u64,
    /// The most connections in the pool.
    pub pool_max: usize,
    /// Connections older than this are replaced, in seconds.
    pub connection_max_age_seconds: u64,
    /// How long connecting may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long a statement may take, in milliseconds.
    pub statement_timeout_ms: u64,
}

impl Default for MySqlConfig {
    fn default() -> Self {
        Self {
            url: None,
            table: "notification_queue".to_owned(),
            columns: ColumnNames::default(),
            entity_table: EntityTable::default(),
            start: Start::Now,
            time_zone: None,
            poll_interval_ms: 500,
            hole_watch_seconds: 60,
            max_payload_bytes: 1024 * 1024,
            pool_max: 4,
            connection_max_age_seconds: 1_800,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 15_000,
        }
    }
}

impl MySqlConfig {
    /// The longest pause between two polls.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    /// How long to wait for a missing id.
    pub fn gap_watch(&self) -> Duration {
        Duration::from_secs(self.hole_watch_seconds)
    }

    /// The age at which a connection is replaced.
    pub fn connection_max_age(&self) -> Duration {
        Duration::from_secs(self.connection_max_age_seconds)
    }

    /// How long connecting may take.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// How long a statement may take.
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }

    /// The first fault as an error: an unchecked name must never reach SQL.
    pub(crate) fn check_valid(&self) -> Result<(), SourceError> {
        let mut faults = FaultCollector::default();
        faults.in_section("mysql", |faults| self.check(faults));
        match faults.into_faults().into_iter().next() {
            None => Ok(()),
            Some(ConfigFault { key, problem, fix }) => {
                Err(SourceError::Misconfigured(format!("sources.{key}: {problem}; {fix}")))
            }
        }
    }

    pub(super) fn check(&self, faults: &mut FaultCollector) {
        if let Some(address) = &self.url {
            url::check(faults, address);
        }
        identifier::check(faults, "table", &self.table);
        faults.in_section("columns", |faults| self.columns.check(faults));
        faults.in_section("entity_table", |faults| self.entity_table.check(faults));
        self.check_numbers(faults);
    }

    fn check_numbers(&self, faults: &mut FaultCollector) {
        faults.check_range("poll_interval_ms", self.poll_interval_ms, 1..=60_000);
        faults.check_range("hole_watch_seconds", self.hole_watch_seconds, 1..=86_400);
        faults.check_range("max_payload_bytes", self.max_payload_bytes, 1..=MAX_PAYLOAD_BYTES as u64);
        faults.check_range("pool_max", self.pool_max as u64, 1..=100);
        faults.check_range("connection_max_age_seconds", self.connection_max_age_seconds, 1..=86_400);
        faults.check_range("connect_timeout_ms", self.connect_timeout_ms, 1..=60_000);
        faults.check_range("statement_timeout_ms", self.statement_timeout_ms, 1..=600_000);
    }
}
