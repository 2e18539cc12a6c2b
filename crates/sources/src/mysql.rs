//! A queue table in MySQL or MariaDB, read in the order of its ids by sessions that cannot write.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use ig_core::event::SourceRow;
use ig_core::id::{OrgId, Position, Rid, SourceId};
use ig_core::ports::{EventSource, Passage, SourceError, StartPosition};
use ig_core::stream::RowKind;
use mysql_async::Value;

use crate::config::MySqlConfig;

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
            max_payload_bytes: config.max_payload_bytes,
            side_by_side: (config.pool_max as u64).saturating_sub(1).clamp(1, 4),
            connections: Connections::new(config)?,
            statements: QueueStatements::new(config),
            diagnosis: Diagnosis::queue(config),
            parents: Parents::new(&config.entity_table),
        })
    }

    async fn read(&self, sql: &str, parameters: Vec<Value>, batch: &mut Batch) -> Result<(), SourceError> {
        let read = self.connections.read(sql, parameters, |row| batch.push(row)).await;
        match read {
            Ok(()) => batch.check(),
            Err(failure) => Err(self.diagnosis.explain(&self.connections, failure).await),
        }
    }
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
        let mut batch = Batch::bounded(limit);
        self.read(&self.statements.after, parameters, &mut batch).await?;
        Ok(batch.into_rows())
    }

    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, SourceError> {
        let mut batch = Batch::complete();
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
