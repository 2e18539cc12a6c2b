//! A row of MySQL values becomes a row of the domain. Only a position is indispensable: whatever else cannot be read is left out,
//! so that the row is judged and audited rather than stopping the stream.

use bytes::Bytes;
use ig_core::event::{RowPayload, SourceRow};
use ig_core::id::Position;
use ig_core::ports::SourceError;
use ig_core::schedule::Zone;
use mysql_async::consts::ColumnType;
use mysql_async::{Column, Row, Value};

use super::{NAME, moment};
use crate::metrics;

/// The id column holds something that is no row number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoPosition(String);

impl From<&NoPosition> for SourceError {
    fn from(NoPosition(value): &NoPosition) -> Self {
        Self::Misconfigured(format!(
            "sources.mysql.columns.id must name an integer column; it holds {value}"
        ))
    }
}

/// The place of the column that tells when a row was written, in the order of [`super::statements`].
const CREATED_AT: usize = 6;

/// Whether a row tells a local time: a DATETIME, which is the time of nobody says where.
pub(super) fn tells_local_time(row: &Row) -> bool {
    let column = row.columns_ref().get(CREATED_AT);
    column.is_some_and(|column| column.column_type() == ColumnType::MYSQL_TYPE_DATETIME)
}

/// Reads the columns in the order of [`super::statements`]; `zone` is where clocks showed a time without an offset.
pub(super) fn read(row: Row, zone: Zone) -> Result<SourceRow, NoPosition> {
    let column = row.columns_ref().get(CREATED_AT).map(Column::column_type);
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
        created_at: moment::read(&next(), zone),
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

/// Reads an id that is asked for alone.
pub(super) fn id(row: Row) -> Result<Position, NoPosition> {
    position(&row.unwrap().pop().unwrap_or(Value::NULL))
}

pub(super) fn position(value: &Value) -> Result<Position, NoPosition> {
    match value {
        Value::UInt(number) => Ok(*number),
        Value::Int(number) => Ok(u64::try_from(*number).unwrap_or(0)),
        Value::NULL | Value::Bytes(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => {
            Err(NoPosition(value.as_sql(true)))
        }
    }
}

fn payload(length: &Value, value: Value) -> RowPayload {
    match (integer(length), bytes(value)) {
        (_, Some(bytes)) => RowPayload::Present(bytes),
        (None, None) => RowPayload::Missing,
        (Some(length), None) => {
            metrics::payload_too_large(NAME);
            RowPayload::TooLarge {
                bytes: length.unsigned_abs(),
            }
        }
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    as_text(value).map(Into::into)
}

/// Text; what of it is not UTF-8 is replaced.
pub(super) fn text(value: Value) -> Option<String> {
    let bytes = as_text(value)?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The bytes of a text, or what any other value looks like as text.
fn as_text(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => {
            Some(value.as_sql(true).into_bytes())
        }
    }
}

/// An integer, also one that is written as text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => i64::try_from(*number).ok(),
        Value::Bytes(digits) => std::str::from_utf8(digits).ok()?.trim().parse().ok(),
        Value::NULL | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => None,
    }
}
