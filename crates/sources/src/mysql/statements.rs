//! The SQL of reading a queue. Names were checked when the configuration was, and are quoted; everything else is bound.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use ig_core::stream::RowKind;
use mysql_async::Value;

use crate::config::{ColumnNames, EntityTable, MySqlConfig, TimeZone};

/// The most ranges that go into one statement.
pub(super) const MOST_RANGES: usize = 64;

/// How many ids are counted together.
pub(super) const BLOCK: usize = 1_000;

/// The zone of the server's clocks.
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
    /// A row's kind as a text.
    kind: String,
}

impl QueueStatements {
    pub(super) fn new(config: &MySqlConfig) -> Self {
        let (id, table) = (quoted(&config.columns.id), quoted(&config.table));
        let select = format!("SELECT {} FROM {table}", columns(config));
        Self {
            head: format!("SELECT MAX({id}) FROM {table}"),
            after: format!("{select} WHERE {id} > ? ORDER BY {id} LIMIT ?"),
            kind: kind(&config.columns),
            select,
            table,
            id,
        }
    }

    /// The rows within at most [`MOST_RANGES`] ranges. The number of ranges is filled up to a power of two by repeating the last,
    /// so that a connection prepares seven statements and not sixty-four.
    pub(super) fn within(&self, max_payload_bytes: u64, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let Self { select, id, .. } = self;
        let (conditions, bounds) = self.ranges(ranges);
        let parameters = [max_payload_bytes.into()].into_iter().chain(bounds).collect();
        (format!("{select} WHERE {conditions} ORDER BY {id}"), parameters)
    }

    /// Counts the rows of each block after a position, up to another: the first, the last, how many, and how many of them are of
    /// other kinds than these.
    pub(super) fn survey(&self, after: Position, to: Position, kinds: &[RowKind]) -> (String, Vec<Value>) {
        let Self { table, id, .. } = self;
        let (are_these, mut parameters) = self.kinds(kinds);
        parameters.extend([Value::from(after), to.into()]);
        let sql = format!(
            "SELECT MIN({id}), MAX({id}), COUNT(*), SUM(NOT ({are_these})) FROM {table} WHERE {id} > ? AND {id} <= ? GROUP BY {id} DIV {BLOCK}"
        );
        (sql, parameters)
    }

    /// The ids within at most [`MOST_RANGES`] ranges.
    pub(super) fn ids_within(&self, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let Self { table, id, .. } = self;
        let (conditions, bounds) = self.ranges(ranges);
        (format!("SELECT {id} FROM {table} WHERE {conditions} ORDER BY {id}"), bounds)
    }

    /// The first `most` rows of other kinds than these within at most [`MOST_RANGES`] ranges.
    pub(super) fn others_within(
        &self,
        max_payload_bytes: u64,
        ranges: &[RangeInclusive<Position>],
        kinds: &[RowKind],
        most: usize,
    ) -> (String, Vec<Value>) {
        let Self { select, id, .. } = self;
        let ((within, bounds), (are_these, texts)) = (self.ranges(ranges), self.kinds(kinds));
        let sql = format!("{select} WHERE ({within}) AND NOT ({are_these}) ORDER BY {id} LIMIT ?");
        let first: Value = max_payload_bytes.into();
        let parameters = [first].into_iter().chain(bounds).chain(texts).chain([(most as u64).into()]);
        (sql, parameters.collect())
    }

    fn ranges(&self, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let filled = filled_up(ranges);
        let conditions = vec![format!("{} BETWEEN ? AND ?", self.id); filled.len()].join(" OR ");
        let bounds = filled
            .iter()
            .flat_map(|range| [Value::from(*range.start()), Value::from(*range.end())]);
        (conditions, bounds.collect())
    }

    fn kinds(&self, kinds: &[RowKind]) -> (String, Vec<Value>) {
        if kinds.is_empty() {
            return ("FALSE".to_owned(), Vec::new());
        }
        let texts: Vec<Value> = filled_up(kinds).iter().map(|kind| Value::from(text_of(kind))).collect();
        let list = vec!["?"; texts.len()].join(", ");
        (format!("COALESCE({} IN ({list}), FALSE)", self.kind), texts)
    }
}

fn filled_up<T: Clone>(list: &[T]) -> Vec<T> {
    let last = list.last().into_iter().cycle();
    list.iter()
        .chain(last)
        .take(list.len().next_power_of_two())
        .cloned()
        .collect()
}

/// A row's kind as one text of bytes, since texts that a collation holds for equal may be of different streams; NULL where the row has
/// none. The length in front tells where the parent ends, should its column hold any text.
fn kind(names: &ColumnNames) -> String {
    let bytes = |name: &str| format!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", quoted(name));
    let (parent, event_type) = (bytes(&names.parent_rid), bytes(&names.event_type));
    format!("CONCAT(LENGTH({parent}), ':', {parent}, ':', {event_type})")
}

/// What [`kind`] is for rows of this kind.
fn text_of(kind: &RowKind) -> Vec<u8> {
    let parent = kind.parent_rid.to_string();
    format!("{}:{parent}:{}", parent.len(), kind.event_type).into_bytes()
}

/// In the order in which [`super::row`] reads them. A payload that is too large stays where it is; its length tells.
fn columns(config: &MySqlConfig) -> String {
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
        // Only the server knows when its clocks were changed.
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
    fn ranges_are_filled_up_to_a_power_of_two() {
        let statements = QueueStatements::new(&MySqlConfig::default());
        let (sql, parameters) = statements.within(9, &[1..=2, 4..=4, 6..=9]);
        assert!(sql.ends_with(
            "FROM `notification_queue` WHERE `id` BETWEEN ? AND ? OR `id` BETWEEN ? AND ? \
             OR `id` BETWEEN ? AND ? OR `id` BETWEEN ? AND ? ORDER BY `id`"
        ));
        assert_eq!(parameters, [9u64, 1, 2, 4, 4, 6, 9, 6, 9].map(Value::from));
    }
}
