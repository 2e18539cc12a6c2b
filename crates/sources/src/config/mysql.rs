//! Section `[sources.mysql]`.

use std::time::Duration;

use ig_core::event::LARGEST_PAYLOAD;
use ig_core::ports::SourceError;
use ig_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::fault::Findings;
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
    /// What its columns are called.
    pub columns: ColumnNames,
    /// The table that knows which organisation an entity belongs to.
    pub entity_table: EntityTable,
    /// Where reading begins the first time: `now`, `beginning`, or after the row of an id.
    pub start: Start,
    /// The clocks by which DATETIME columns and texts without an offset are read: a zone's name, or `session` for the zone that the
    /// database gives its sessions. UTC where it is left out. A TIMESTAMP column needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
    /// The longest pause between two polls, in milliseconds.
    pub poll_interval_ms: u64,
    /// How long a missing id is waited for, in seconds: transactions must not stay open longer than this.
    pub hole_watch_seconds: u64,
    /// Payloads beyond this many bytes are not read; at most what can be stored, should their delivery fail.
    pub max_payload_bytes: u64,
    /// The most connections.
    pub pool_max: usize,
    /// A connection is replaced when it is this old, in seconds.
    pub connection_max_age_seconds: u64,
    /// Milliseconds within which a connection has to stand.
    pub connect_timeout_ms: u64,
    /// Milliseconds within which a statement has to be answered.
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

    /// How long a missing id is waited for.
    pub fn hole_watch(&self) -> Duration {
        Duration::from_secs(self.hole_watch_seconds)
    }

    /// How old a connection may become.
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

    /// The first fault as the error that it would cause: an unchecked name must never reach SQL.
    pub(crate) fn refuse_faults(&self) -> Result<(), SourceError> {
        let mut findings = Findings::default();
        findings.below("mysql", |findings| self.check(findings));
        match findings.into_faults().into_iter().next() {
            None => Ok(()),
            Some(ConfigFault { key, problem, fix }) => {
                Err(SourceError::Misconfigured(format!("sources.{key}: {problem}; {fix}")))
            }
        }
    }

    pub(super) fn check(&self, findings: &mut Findings) {
        if let Some(address) = &self.url {
            url::check(findings, address);
        }
        identifier::check(findings, "table", &self.table);
        findings.below("columns", |findings| self.columns.check(findings));
        findings.below("entity_table", |findings| self.entity_table.check(findings));
        self.check_numbers(findings);
    }

    fn check_numbers(&self, findings: &mut Findings) {
        findings.range("poll_interval_ms", self.poll_interval_ms, 1..=60_000);
        findings.range("hole_watch_seconds", self.hole_watch_seconds, 1..=86_400);
        findings.range("max_payload_bytes", self.max_payload_bytes, 1..=LARGEST_PAYLOAD as u64);
        findings.range("pool_max", self.pool_max as u64, 1..=100);
        findings.range("connection_max_age_seconds", self.connection_max_age_seconds, 1..=86_400);
        findings.range("connect_timeout_ms", self.connect_timeout_ms, 1..=60_000);
        findings.range("statement_timeout_ms", self.statement_timeout_ms, 1..=600_000);
    }
}
