//! A queue table in MySQL or MariaDB, read in the order of its ids by read-only sessions.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ig_core::event::SourceRow;
use ig_core::id::{OrgId, Position, Rid, SourceId};
use ig_core::ports::{EventSource, SkipScanBatch, SourceError, StartPosition};
use ig_core::schedule::Zone;
use ig_core::stream::RowKind;
use mysql_async::Value;

use crate::config::{MySqlConfig, TimeZone};

mod batch;
mod connections;
mod error_explainer;
mod parent_lookup;
mod row;
mod scan_plan;
mod skip_scan;
mod spans;
mod statements;
mod timestamp;

use batch::Batch;
use connections::Connections;
use error_explainer::ErrorExplainer;
use parent_lookup::ParentLookup;
use statements::QueueStatements;

/// The source's name, part of the id of each of its messages.
pub const NAME: &str = "mysql";

/// A queue table as an event source.
#[derive(Debug)]
pub struct MySqlSource {
    id: SourceId,
    start: StartPosition,
    /// The zone of times without an offset.
    zone: Zone,
    /// Whether no zone is configured and no warning about that was logged.
    is_zone_unknown: AtomicBool,
    max_payload_bytes: u64,
    /// How many counting statements run concurrently; more than one keeps a server busy that has to load pages from disk.
    count_parallelism: u64,
    connections: Connections,
    statements: QueueStatements,
    error_explainer: ErrorExplainer,
    parent_lookup: ParentLookup,
}

impl MySqlSource {
    /// A source as configured, without contacting the server. The error names the wrong setting.
    pub fn new(config: &MySqlConfig) -> Result<Self, SourceError> {
        config.check_valid()?;
        Ok(Self {
            id: SourceId::new(NAME),
            start: config.start.into(),
            zone: match config.time_zone {
                Some(TimeZone::Named(zone)) => zone,
                // The database converts times to seconds since 1970 itself.
                Some(TimeZone::Session) | None => Zone::default(),
            },
            is_zone_unknown: AtomicBool::new(config.time_zone.is_none()),
            max_payload_bytes: config.max_payload_bytes,
            count_parallelism: (config.pool_max as u64).saturating_sub(1).clamp(1, 4),
            connections: Connections::new(config)?,
            statements: QueueStatements::new(config),
            error_explainer: ErrorExplainer::for_queue(config),
            parent_lookup: ParentLookup::new(&config.entity_table),
        })
    }

    /// Local times are read as UTC by default; a server in another zone makes that likely wrong.
    async fn warn_of_local_times(&self, batch: &Batch) {
        if !batch.has_local_time() || !self.is_zone_unknown.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut zone = String::new();
        let read = |row: mysql_async::Row| zone = row.unwrap().pop().and_then(row::text).unwrap_or_default();
        let answer = self.connections.read(statements::SERVER_ZONE, Vec::new(), read);
        if answer.await.is_ok() && !is_utc(&zone) {
            tracing::warn!(
                source = %self.id,
                zone,
                "created_at is a DATETIME and is read as UTC, but the server's time zone is another: set sources.mysql.time_zone to the zone \
                 of those who write it, to session for the server's, or to UTC",
            );
        }
    }

    async fn read_batch(&self, sql: &str, parameters: Vec<Value>, batch: &mut Batch) -> Result<(), SourceError> {
        let read = self.connections.read(sql, parameters, |row| batch.push(row)).await;
        match read {
            Ok(()) => {
                self.warn_of_local_times(batch).await;
                batch.check()
            }
            Err(error) => Err(self.error_explainer.explain(&self.connections, error).await),
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
            Err(error) => Err(self.error_explainer.explain(&self.connections, error).await),
        }
    }

    /// May return fewer than `limit` rows where their payloads are large.
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, SourceError> {
        let parameters = vec![self.max_payload_bytes.into(), after.into(), (limit as u64).into()];
        let mut batch = Batch::bounded(limit, self.zone);
        self.read_batch(&self.statements.after, parameters, &mut batch).await?;
        Ok(batch.into_rows())
    }

    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, SourceError> {
        let mut batch = Batch::complete(self.zone);
        for chunk in ranges.chunks(statements::MAX_RANGES) {
            let (sql, parameters) = self.statements.rows_within(self.max_payload_bytes, chunk);
            self.read_batch(&sql, parameters, &mut batch).await?;
        }
        Ok(batch.into_rows())
    }

    /// Ids allocated in steps leave a gap beside every row, so gaps that lie close together are looked up as one span.
    async fn visible_positions(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<Position>, SourceError> {
        let mut visible = Vec::new();
        for chunk in spans::coalesce(ranges).chunks(statements::MAX_RANGES) {
            visible.append(&mut self.list_ids(chunk).await?);
        }
        Ok(spans::positions_within(visible, ranges))
    }

    async fn read_skipping(
        &self,
        after: Position,
        limit: usize,
        span: u64,
        kinds: &[RowKind],
    ) -> Result<SkipScanBatch, SourceError> {
        self.skip_scan(after, limit, span, kinds).await
    }

    async fn parent_of(&self, entity: Rid) -> Result<Option<OrgId>, SourceError> {
        self.parent_lookup.parent_of(&self.connections, entity).await
    }
}
