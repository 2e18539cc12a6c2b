//! The SQL of reading a queue. Names were checked when the configuration was, and are quoted; everything else is bound.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use mysql_async::Value;

use crate::config::{ColumnNames, EntityTable, MySqlConfig};

/// The most ranges that go into one statement.
pub(super) const MOST_RANGES: usize = 64;

/// The statements on one queue table.
#[derive(Debug)]
pub(super) struct QueueStatements {
    /// `MAX(id)`.
    pub(super) head: String,
    /// Parameters: the largest payload, the position, the limit.
    pub(super) after: String,
    select: String,
    id: String,
}

impl QueueStatements {
    pub(super) fn new(config: &MySqlConfig) -> Self {
        let (id, table) = (quoted(&config.columns.id), quoted(&config.table));
        let select = format!("SELECT {} FROM {table}", columns(&config.columns));
        Self {
            head: format!("SELECT MAX({id}) FROM {table}"),
            after: format!("{select} WHERE {id} > ? ORDER BY {id} LIMIT ?"),
            select,
            id,
        }
    }

    /// The rows within at most [`MOST_RANGES`] ranges. The number of ranges is filled up to a power of two by repeating the last,
    /// so that a connection prepares seven statements and not sixty-four.
    pub(super) fn within(&self, max_payload_bytes: u64, ranges: &[RangeInclusive<Position>]) -> (String, Vec<Value>) {
        let Self { select, id, .. } = self;
        let filled = ranges.len().next_power_of_two();
        let last = ranges.last().into_iter().cycle();
        let bounds = ranges.iter().chain(last).take(filled);
        let conditions = vec![format!("{id} BETWEEN ? AND ?"); filled].join(" OR ");
        let mut parameters: Vec<Value> = vec![max_payload_bytes.into()];
        parameters.extend(bounds.flat_map(|range| [Value::from(*range.start()), Value::from(*range.end())]));
        (format!("{select} WHERE {conditions} ORDER BY {id}"), parameters)
    }
}

/// In the order in which [`super::row`] reads them. A payload that is too large stays where it is; its length tells.
fn columns(names: &ColumnNames) -> String {
    let ColumnNames {
        id,
        event_type,
        payload,
        entity_rid,
        parent_rid,
        created_at,
        traceparent,
    } = names;
    let payload = quoted(payload);
    [
        quoted(id),
        quoted(event_type),
        format!("LENGTH({payload}), IF(LENGTH({payload}) <= ?, {payload}, NULL)"),
        quoted(entity_rid),
        quoted(parent_rid),
        quoted(created_at),
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
