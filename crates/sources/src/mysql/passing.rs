//! Reading on past rows of some kinds, which stay where they are.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use ig_core::ports::{EventSource as _, Passage, SourceError};
use ig_core::stream::RowKind;
use mysql_async::{Row, Value};

use super::MySqlSource;
use super::batch::Batch;
use super::row::{self, NoPosition};
use super::statements::BLOCK;
use super::survey::{Block, Survey};

impl MySqlSource {
    /// Counts first, then lists ids where some are missing, then reads: a row that becomes visible in between is either read or is one
    /// of the gaps, never neither.
    pub(super) async fn pass(&self, after: Position, limit: usize, span: u64, kinds: &[RowKind]) -> Result<Passage, SourceError> {
        let survey = self.survey(after, limit, span, kinds).await?;
        let Some(read_to) = survey.read_to() else {
            return Ok(Passage::of_all(after, self.read_after(after, limit).await?));
        };
        let gaps = survey.gaps(&self.list(&survey.to_list()).await?);
        let most = limit + BLOCK;
        let rows = self.read_others(&survey.to_read(), most, kinds).await?;
        Ok(Passage { rows, read_to, gaps }).map(|passage| cut(passage, most))
    }

    async fn survey(&self, after: Position, limit: usize, span: u64, kinds: &[RowKind]) -> Result<Survey, SourceError> {
        let step = span.div_ceil(self.side_by_side).max(1);
        let parts = (0..self.side_by_side).map(|part| {
            let from = after.saturating_add(part * step);
            self.count(from, from.saturating_add(step), kinds)
        });
        let blocks = futures::future::try_join_all(parts).await?;
        Ok(Survey::new(after, blocks.into_iter().flatten().collect(), limit as u64))
    }

    async fn count(&self, after: Position, to: Position, kinds: &[RowKind]) -> Result<Vec<Block>, SourceError> {
        let (sql, parameters) = self.statements.survey(after, to, kinds);
        self.collect(&sql, parameters, Block::read).await
    }

    /// The ids that are there within these ranges.
    pub(super) async fn list(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<Position>, SourceError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, parameters) = self.statements.ids_within(ranges);
        self.collect(&sql, parameters, row::id).await
    }

    async fn read_others(
        &self,
        ranges: &[RangeInclusive<Position>],
        most: usize,
        kinds: &[RowKind],
    ) -> Result<Vec<ig_core::event::SourceRow>, SourceError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::bounded(most, self.zone);
        let (sql, parameters) = self.statements.others_within(self.max_payload_bytes, ranges, kinds, most);
        self.read(&sql, parameters, &mut batch).await?;
        Ok(batch.into_rows())
    }

    async fn collect<T: Send>(
        &self,
        sql: &str,
        parameters: Vec<Value>,
        read: impl Fn(Row) -> Result<T, NoPosition> + Send + Sync,
    ) -> Result<Vec<T>, SourceError> {
        let mut rows = Vec::new();
        let answered = self.connections.read(sql, parameters, |row| rows.push(read(row))).await;
        match answered {
            Ok(()) => rows
                .into_iter()
                .collect::<Result<_, NoPosition>>()
                .map_err(|fault| (&fault).into()),
            Err(failure) => Err(self.diagnosis.explain(&self.connections, failure).await),
        }
    }
}

/// Ends a passage with its last row when there may be more.
fn cut(passage: Passage, most: usize) -> Passage {
    let Passage { rows, read_to, gaps } = passage;
    let read_to = match rows.last() {
        Some(last) if rows.len() >= most || is_large(&rows) => last.position,
        _ => read_to,
    };
    let gaps = gaps.into_iter().filter(|gap| *gap.start() <= read_to);
    let gaps = gaps.map(|gap| *gap.start()..=read_to.min(*gap.end())).collect();
    Passage { rows, read_to, gaps }
}

/// Whether an answer may have ended early because of its size.
fn is_large(rows: &[ig_core::event::SourceRow]) -> bool {
    rows.iter().map(ig_core::event::SourceRow::payload_bytes).sum::<usize>() >= super::batch::MOST_BYTES
}
