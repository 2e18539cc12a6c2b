//! Skip scan: reads on past rows of some kinds without fetching them.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use ig_core::ports::{EventSource as _, SkipScanBatch, SourceError};
use ig_core::stream::RowKind;
use mysql_async::{Row, Value};

use super::MySqlSource;
use super::batch::Batch;
use super::row::{self, InvalidPosition};
use super::scan_plan::{BlockCount, ScanPlan};
use super::statements::BLOCK_SIZE;

impl MySqlSource {
    /// Counts first, then lists ids where some are missing, then reads. A row that becomes visible in between is either read or in one of
    /// the gaps, never neither.
    pub(super) async fn skip_scan(
        &self,
        after: Position,
        limit: usize,
        span: u64,
        kinds: &[RowKind],
    ) -> Result<SkipScanBatch, SourceError> {
        let plan = self.plan_scan(after, limit, span, kinds).await?;
        let Some(read_to) = plan.read_to() else {
            return Ok(SkipScanBatch::of_all(after, self.read_after(after, limit).await?));
        };
        let gaps = plan.gaps(&self.list_ids(&plan.ranges_to_list()).await?);
        let max_rows = limit + BLOCK_SIZE;
        let rows = self.read_wanted(&plan.ranges_to_read(), max_rows, kinds).await?;
        Ok(SkipScanBatch { rows, read_to, gaps }).map(|batch| end_at_last_row(batch, max_rows))
    }

    async fn plan_scan(&self, after: Position, limit: usize, span: u64, kinds: &[RowKind]) -> Result<ScanPlan, SourceError> {
        let step = span.div_ceil(self.count_parallelism).max(1);
        let counts = (0..self.count_parallelism).map(|index| {
            let from = after.saturating_add(index * step);
            self.count_blocks(from, from.saturating_add(step), kinds)
        });
        let blocks = futures::future::try_join_all(counts).await?;
        Ok(ScanPlan::new(after, blocks.into_iter().flatten().collect(), limit as u64))
    }

    async fn count_blocks(&self, after: Position, to: Position, kinds: &[RowKind]) -> Result<Vec<BlockCount>, SourceError> {
        let (sql, parameters) = self.statements.count_blocks(after, to, kinds);
        self.read_all(&sql, parameters, BlockCount::read).await
    }

    /// The existing ids within these ranges.
    pub(super) async fn list_ids(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<Position>, SourceError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, parameters) = self.statements.ids_within(ranges);
        self.read_all(&sql, parameters, row::id).await
    }

    async fn read_wanted(
        &self,
        ranges: &[RangeInclusive<Position>],
        max_rows: usize,
        kinds: &[RowKind],
    ) -> Result<Vec<ig_core::event::SourceRow>, SourceError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::bounded(max_rows, self.zone);
        let (sql, parameters) = self
            .statements
            .rows_of_other_kinds(self.max_payload_bytes, ranges, kinds, max_rows);
        self.read_batch(&sql, parameters, &mut batch).await?;
        Ok(batch.into_rows())
    }

    async fn read_all<T: Send>(
        &self,
        sql: &str,
        parameters: Vec<Value>,
        read: impl Fn(Row) -> Result<T, InvalidPosition> + Send + Sync,
    ) -> Result<Vec<T>, SourceError> {
        let mut rows = Vec::new();
        let answer = self.connections.read(sql, parameters, |row| rows.push(read(row))).await;
        match answer {
            Ok(()) => rows
                .into_iter()
                .collect::<Result<_, InvalidPosition>>()
                .map_err(|error| (&error).into()),
            Err(error) => Err(self.error_explainer.explain(&self.connections, error).await),
        }
    }
}

/// Ends the result with its last row where there may be more.
fn end_at_last_row(batch: SkipScanBatch, max_rows: usize) -> SkipScanBatch {
    let SkipScanBatch { rows, read_to, gaps } = batch;
    let read_to = match rows.last() {
        Some(last) if rows.len() >= max_rows || is_large(&rows) => last.position,
        _ => read_to,
    };
    let gaps = gaps.into_iter().filter(|gap| *gap.start() <= read_to);
    let gaps = gaps.map(|gap| *gap.start()..=read_to.min(*gap.end())).collect();
    SkipScanBatch { rows, read_to, gaps }
}

/// Whether the batch may have ended early because of its size.
fn is_large(rows: &[ig_core::event::SourceRow]) -> bool {
    rows.iter().map(ig_core::event::SourceRow::payload_bytes).sum::<usize>() >= super::batch::MAX_BYTES
}
