//! A queue table in MySQL or MariaDB, read in the order of its ids by sessions that cannot write.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ig_core::event::SourceRow;
use ig_core::id::{OrgId, Position, Rid, SourceId};
use ig_core::ports::{EventSource, Passage, SourceError, StartPosition};
use ig_core::schedule::Zone;
use ig_core::stream::RowKind;
use mysql_async::Value;

use crate::config::{MySqlConfig, TimeZone};

mod batch;
mod connections;
mod diagnosis;
mod moment;
mod parents;
mod passing;
mod row;
mod spans;
mod statements;
mod survey;

use batch::Batch;
use connections::Connections;
use diagnosis::Diagnosis;
use parents::Parents;
use statements::QueueStatements;

/// The source's name, part of every message id that comes of it.
pub const NAME: &str = "mysql";

/// A queue table.
#[derive(Debug)]
pub struct MySqlSource {
    id: SourceId,
    start: StartPosition,
    /// Where clocks showed times without an offset.
    zone: Zone,
    /// Whether nobody has said where that is, nor has been told so.
    is_zone_open: AtomicBool,
    max_payload_bytes: u64,
    /// How many statements count side by side: more than one keeps a server busy that has to fetch its pages.
    side_by_side: u64,
    connections: Connections,
    statements: QueueStatements,
    diagnosis: Diagnosis,
    parents: Parents,
}

impl MySqlSource {
    /// A source as configured; the server is not contacted yet. An error names the setting that is wrong.
    pub fn new(config: &MySqlConfig) -> Result<Self, SourceError> {
        config.refuse_faults()?;
        Ok(Self {
            id: SourceId::new(NAME),
            start: config.start.into(),
            zone: match config.time_zone {
                Some(TimeZone::Named(zone)) => zone,
                // The database gives times since 1970 itself.
                Some(TimeZone::Session) | None => Zone::default(),
            },
            is_zone_open: AtomicBool::new(config.time_zone.is_none()),
            max_payload_bytes: config.max_payload_bytes,
            side_by_side: (config.pool_max as u64).saturating_sub(1).clamp(1, 4),
            connections: Connections::new(config)?,
            statements: QueueStatements::new(config),
            diagnosis: Diagnosis::queue(config),
            parents: Parents::new(&config.entity_table),
        })
    }

    /// Local times are taken for UTC unless somebody has said otherwise: where the server's clocks show another, that is likely wrong.
    async fn warn_of_local_times(&self, batch: &Batch) {
        if !batch.tells_local_time() || !self.is_zone_open.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut zone = String::new();
        let read = |row: mysql_async::Row| zone = row.unwrap().pop().and_then(row::text).unwrap_or_default();
        let asked = self.connections.read(statements::SERVER_ZONE, Vec::new(), read);
        if asked.await.is_ok() && !is_utc(&zone) {
            tracing::warn!(
                source = %self.id,
                zone,
                "created_at is a DATETIME and is read as UTC, but the server's time zone is another: set sources.mysql.time_zone to the zone \
                 of those who write it, to session for the server's, or to UTC",
            );
        }
    }

    async fn read(&self, sql: &str, parameters: Vec<Value>, batch: &mut Batch) -> Result<(), SourceError> {
        let read = self.connections.read(sql, parameters, |row| batch.push(row)).await;
        match read {
            Ok(()) => {
                self.warn_of_local_times(batch).await;
                batch.check()
            }
            Err(failure) => Err(self.diagnosis.explain(&self.connections, failure).await),
        }
    }
}

fn is_utc(zone: &str) -> bool {
    ["UTC", "GMT", "ETC/UTC", "UCT", "+00:00", "-00:00"].contains(&zone.to_uppercase().as_str())
}

#[async_trait]
impl EventSource for MySqlSource {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn start(&self) -> StartPosition {
        self.start
    }

    async fn head(&self) -> Result<Position, SourceError> {
        let mut head = None;
        let read = self
            .connections
            .read(&self.statements.head, Vec::new(), |row| head = row.unwrap().pop())
            .await;
        match read {
            Ok(()) => row::head(head),
            Err(failure) => Err(self.diagnosis.explain(&self.connections, failure).await),
        }
    }

    /// May answer fewer than `limit` rows where their payloads are large.
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, SourceError> {
        let parameters = vec![self.max_payload_bytes.into(), after.into(), (limit as u64).into()];
        let mut batch = Batch::bounded(limit, self.zone);
        self.read(&self.statements.after, parameters, &mut batch).await?;
        Ok(batch.into_rows())
    }

    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, SourceError> {
        let mut batch = Batch::complete(self.zone);
        for some in ranges.chunks(statements::MOST_RANGES) {
            let (sql, parameters) = self.statements.within(self.max_payload_bytes, some);
            self.read(&sql, parameters, &mut batch).await?;
        }
        Ok(batch.into_rows())
    }

    /// Numbers that are given out in steps leave a hole beside every row: holes that lie close together are looked at as one span.
    async fn visible_within(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<Position>, SourceError> {
        let mut visible = Vec::new();
        for some in spans::spans(ranges).chunks(statements::MOST_RANGES) {
            visible.append(&mut self.list(some).await?);
        }
        Ok(spans::within(visible, ranges))
    }

    async fn read_past(&self, after: Position, limit: usize, span: u64, kinds: &[RowKind]) -> Result<Passage, SourceError> {
        self.pass(after, limit, span, kinds).await
    }

    async fn parent_of(&self, entity: Rid) -> Result<Option<OrgId>, SourceError> {
        self.parents.of(&self.connections, entity).await
    }
}
