//! The SQL of reading a queue. Identifiers are checked with the configuration, and quoted; everything else is bound.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use ig_core::stream::RowKind;
use mysql_async::Value;

use crate::config::{ColumnNames, EntityTable, MySqlConfig, TimeZone};

/// The most ranges in one statement.
pub(super) const MAX_RANGES: usize = 64;

/// How many ids one block counts.
pub(super) const BLOCK_SIZE: usize = 1_000;

/// Selects the server's time zone.
pub(super) const SERVER_ZONE: &str = "SELECT IF(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone)";

/// The statements on one queue table.
#[derive(Debug)]
pub(super) struct QueueStatements {
    /// `MAX(id)`.
    pub(super) head: String,
    /// Parameters: the largest payload, the position, the limit.
    pub(super) after: String,
    select: String,
    table: String,
    id: String,
    /// The SQL expression of a row's kind.
    kind: String,
}

impl QueueStatements {
    pub(super) fn new(config: &MySqlConfig) -> Self {
        let (id, table) = (quoted(&config.columns.id), quoted(&config.table));
        let select = format!("SELECT {} FROM {table}", column_list(config));
        Self {
            head: format!("SELECT MAX({id}) FROM {table}"),
            after: format!("{select} WHERE {id} > ? ORDER BY {id} LIMIT ?"),
            kind: kind_expression(&config.columns),
            select,
            table,
            id,
        }
    }

    /// The rows within at most [`MAX_RANGES`] ranges. The ranges are padded to a power of two by repeating the last, so that a connection
    /// prepares seven statements and not sixty-four.
    pub(super) fn rows_within(&self, max_payload_bytes: u64, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let Self { select, id, .. } = self;
        let (conditions, bounds) = self.range_conditions(ranges);
        let parameters = [max_payload_bytes.into()].into_iter().chain(bounds).collect();
        (format!("{select} WHERE {conditions} ORDER BY {id}"), parameters)
    }

    /// Counts the rows of each block after a position, up to another: the first id, the last, the number of rows, and how many are of other
    /// kinds than these.
    pub(super) fn count_blocks(&self, after: Position, to: Position, kinds: &[RowKind]) -> (String, Vec<Value>) {
        let Self { table, id, .. } = self;
        let (are_these, mut parameters) = self.kind_condition(kinds);
        parameters.extend([Value::from(after), to.into()]);
        let sql = format!(
            "SELECT MIN({id}), MAX({id}), COUNT(*), SUM(NOT ({are_these})) FROM {table} WHERE {id} > ? AND {id} <= ? GROUP BY {id} DIV {BLOCK_SIZE}"
        );
        (sql, parameters)
    }

    /// The ids within at most [`MAX_RANGES`] ranges.
    pub(super) fn ids_within(&self, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let Self { table, id, .. } = self;
        let (conditions, bounds) = self.range_conditions(ranges);
        (format!("SELECT {id} FROM {table} WHERE {conditions} ORDER BY {id}"), bounds)
    }

    /// The first `max_rows` rows of other kinds than these within at most [`MAX_RANGES`] ranges.
    pub(super) fn rows_of_other_kinds(
        &self,
        max_payload_bytes: u64,
        ranges: &[RangeInclusive<Position>],
        kinds: &[RowKind],
        max_rows: usize,
    ) -> (String, Vec<Value>) {
        let Self { select, id, .. } = self;
        let ((within, bounds), (are_these, texts)) = (self.range_conditions(ranges), self.kind_condition(kinds));
        let sql = format!("{select} WHERE ({within}) AND NOT ({are_these}) ORDER BY {id} LIMIT ?");
        let first: Value = max_payload_bytes.into();
        let parameters = [first]
            .into_iter()
            .chain(bounds)
            .chain(texts)
            .chain([(max_rows as u64).into()]);
        (sql, parameters.collect())
    }

    fn range_conditions(&self, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let padded = padded(ranges);
        let conditions = vec![format!("{} BETWEEN ? AND ?", self.id); padded.len()].join(" OR ");
        let bounds = padded
            .iter()
            .flat_map(|range| [Value::from(*range.start()), Value::from(*range.end())]);
        (conditions, bounds.collect())
    }

    fn kind_condition(&self, kinds: &[RowKind]) -> (String, Vec<Value>) {
        if kinds.is_empty() {
            return ("FALSE".to_owned(), Vec::new());
        }
        let texts: Vec<Value> = padded(kinds).iter().map(|kind| Value::from(kind_text(kind))).collect();
        let list = vec!["?"; texts.len()].join(", ");
        (format!("COALESCE({} IN ({list}), FALSE)", self.kind), texts)
    }
}

fn padded<T: Clone>(list: &[T]) -> Vec<T> {
    let last = list.last().into_iter().cycle();
    list.iter()
        .chain(last)
        .take(list.len().next_power_of_two())
        .cloned()
        .collect()
}

/// A row's kind as one byte string, since texts that a collation treats as equal may belong to different streams; NULL where the row has
/// none. The length in front marks the end of the parent, whose column may hold any text.
fn kind_expression(names: &ColumnNames) -> String {
    let bytes = |name: &str| format!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", quoted(name));
    let (parent, event_type) = (bytes(&names.parent_rid), bytes(&names.event_type));
    format!("CONCAT(LENGTH({parent}), ':', {parent}, ':', {event_type})")
}

/// The value of [`kind_expression`] for rows of this kind.
fn kind_text(kind: &RowKind) -> Vec<u8> {
    let parent = kind.parent_rid.to_string();
    format!("{}:{parent}:{}", parent.len(), kind.event_type).into_bytes()
}

/// In the order in which [`super::row`] reads them. A payload that is too large is not fetched; its length is.
fn column_list(config: &MySqlConfig) -> String {
    let ColumnNames {
        id,
        event_type,
        payload,
        entity_rid,
        parent_rid,
        created_at,
        traceparent,
    } = &config.columns;
    let created_at = match config.time_zone {
        // Only the server knows when its clocks changed.
        Some(TimeZone::Session) => format!("UNIX_TIMESTAMP({})", quoted(created_at)),
        Some(TimeZone::Named(_)) | None => quoted(created_at),
    };
    let payload = quoted(payload);
    [
        quoted(id),
        quoted(event_type),
        format!("LENGTH({payload}), IF(LENGTH({payload}) <= ?, {payload}, NULL)"),
        quoted(entity_rid),
        quoted(parent_rid),
        created_at,
        traceparent.as_deref().map_or("NULL".to_owned(), quoted),
    ]
    .join(", ")
}

/// Parameter: the entity.
pub(super) fn parent_of(table: &EntityTable) -> String {
    let EntityTable { table, rid, parent_rid } = table;
    format!(
        "SELECT {} FROM {} WHERE {} = ? LIMIT 1",
        quoted(parent_rid),
        quoted(table),
        quoted(rid)
    )
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_ranges_are_padded_to_a_power_of_two() {
        let statements = QueueStatements::new(&MySqlConfig::default());
        let (sql, parameters) = statements.rows_within(9, &[1..=2, 4..=4, 6..=9]);
        assert!(sql.ends_with(
            "FROM `notification_queue` WHERE `id` BETWEEN ? AND ? OR `id` BETWEEN ? AND ? \
             OR `id` BETWEEN ? AND ? OR `id` BETWEEN ? AND ? ORDER BY `id`"
        ));
        assert_eq!(parameters, [9u64, 1, 2, 4, 4, 6, 9, 6, 9].map(Value::from));
    }
}
