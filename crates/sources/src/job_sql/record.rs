//! Rows as records.

use std::collections::HashSet;

use ig_core::schedule::Zone;
use mysql_async::{Column, Row, Value};
use serde_json::{Map, Value as Json};

use super::sql_error::SqlError;
use super::sql_value::{ColumnKind, json};

/// The size counted for a value that is not a text, in bytes.
const FIXED_BYTES: usize = 8;

/// Reads rows of one result.
#[derive(Debug)]
pub(super) struct RecordReader {
    columns: Vec<(String, ColumnKind)>,
}

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    /// The values by column.
    pub(super) fields: Map<String, Json>,
    /// Its size, in bytes of names and values.
    pub(super) bytes: usize,
}

impl RecordReader {
    /// A reader of these columns, whose names must differ. TIMESTAMP values arrive in `wire` and are written in `output`.
    pub(super) fn new(columns: &[Column], wire: Zone, output: Zone) -> Result<Self, SqlError> {
        let mut seen = HashSet::new();
        let named = columns
            .iter()
            .map(|column| (column.name_str().into_owned(), ColumnKind::of(column, wire, output)));
        let columns: Vec<_> = named.collect();
        for (name, _) in &columns {
            if !seen.insert(name) {
                return Err(SqlError::DuplicateColumn { name: name.clone() });
            }
        }
        Ok(Self { columns })
    }

    /// Reads one row.
    pub(super) fn record(&self, row: Row) -> Record {
        let (mut fields, mut bytes) = (Map::new(), 0);
        for ((name, kind), value) in self.columns.iter().zip(row.unwrap()) {
            bytes += name.len() + size(&value);
            fields.insert(name.clone(), json(*kind, value));
        }
        Record { fields, bytes }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::NULL | Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => {
            FIXED_BYTES
        }
    }
}
