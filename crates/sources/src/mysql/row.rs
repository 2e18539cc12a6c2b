//! Converts a row of MySQL values into a source row. Only the position is required. Any other unreadable value is left out, so that the row
//! is judged and audited rather than stopping the stream.

use bytes::Bytes;
use ig_core::event::{RowPayload, SourceRow};
use ig_core::id::Position;
use ig_core::ports::SourceError;
use ig_core::schedule::Zone;
use mysql_async::consts::ColumnType;
use mysql_async::{Column, Row, Value};

use super::{NAME, timestamp};
use crate::metrics;

/// The id column holds a value that is not a row number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidPosition(String);

impl From<&InvalidPosition> for SourceError {
    fn from(InvalidPosition(value): &InvalidPosition) -> Self {
        Self::Misconfigured(format!(
            "sources.mysql.columns.id must name an integer column; it holds {value}"
        ))
    }
}

/// The index of the creation time's column, in the order of [`super::statements`].
const CREATED_AT_INDEX: usize = 6;

/// Whether the creation time is a DATETIME, which has no zone.
pub(super) fn has_local_time(row: &Row) -> bool {
    let column = row.columns_ref().get(CREATED_AT_INDEX);
    column.is_some_and(|column| column.column_type() == ColumnType::MYSQL_TYPE_DATETIME)
}

/// Reads the columns in the order of [`super::statements`]; `zone` applies to times without an offset.
pub(super) fn read(row: Row, zone: Zone) -> Result<SourceRow, InvalidPosition> {
    let column = row.columns_ref().get(CREATED_AT_INDEX).map(Column::column_type);
    let zone = match column {
        // The session's zone is UTC.
        Some(ColumnType::MYSQL_TYPE_TIMESTAMP) => Zone::default(),
        _ => zone,
    };
    let mut values = row.unwrap().into_iter();
    let mut next = || values.next().unwrap_or(Value::NULL);
    Ok(SourceRow {
        position: position(&next())?,
        event_id: None,
        event_type: text(next()),
        payload: payload(&next(), next()),
        entity_rid: integer(&next()),
        parent_rid: integer(&next()),
        created_at: timestamp::read(&next(), zone),
        trace_parent: text(next()),
    })
}

/// Reads `MAX(id)`; 0 where there are no rows.
pub(super) fn head(value: Option<Value>) -> Result<Position, SourceError> {
    match value {
        None | Some(Value::NULL) => Ok(0),
        Some(value) => position(&value).map_err(|fault| (&fault).into()),
    }
}

/// Reads an id that was selected alone.
pub(super) fn id(row: Row) -> Result<Position, InvalidPosition> {
    position(&row.unwrap().pop().unwrap_or(Value::NULL))
}

pub(super) fn position(value: &Value) -> Result<Position, InvalidPosition> {
    match value {
        Value::UInt(number) => Ok(*number),
        Value::Int(number) => Ok(u64::try_from(*number).unwrap_or(0)),
        Value::NULL | Value::Bytes(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => {
            Err(InvalidPosition(value.as_sql(true)))
        }
    }
}

fn payload(length: &Value, value: Value) -> RowPayload {
    match (integer(length), bytes(value)) {
        (_, Some(bytes)) => RowPayload::Present(bytes),
        (None, None) => RowPayload::Missing,
        (Some(length), None) => {
            metrics::count_too_large_payload(NAME);
            RowPayload::TooLarge {
                bytes: length.unsigned_abs(),
            }
        }
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    as_text(value).map(Into::into)
}

/// A text; invalid UTF-8 is replaced.
pub(super) fn text(value: Value) -> Option<String> {
    let bytes = as_text(value)?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The bytes of a text, or any other value formatted as text.
fn as_text(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => {
            Some(value.as_sql(true).into_bytes())
        }
    }
}

/// An integer, even where it is stored as text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => i64::try_from(*number).ok(),
        Value::Bytes(digits) => std::str::from_utf8(digits).ok()?.trim().parse().ok(),
        Value::NULL | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => None,
    }
}
