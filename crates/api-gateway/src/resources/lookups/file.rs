//! Files of rows in any format: a header, and numbered rows.

use std::fs::File;

use super::columns::{Columns, FileScope};
use super::{csv, xlsx};
use crate::document::FileFault;
use ig_core::lookup::LookupDraft;
use ig_core::named::Named;

/// The most rows in a file.
pub(super) const MAX_ROWS: u64 = 500_000;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text separated by commas, semicolons or tabs.
    Csv,
    /// An Excel workbook, of which the first sheet counts.
    Xlsx,
}

impl Named for Format {
    fn all() -> &'static [Self] {
        &[Self::Csv, Self::Xlsx]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

impl Format {
    /// The format of a content type, ignoring its parameters.
    pub(crate) fn of_content_type(given: &str) -> Option<Self> {
        let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" => Some(Self::Csv),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// The format's content type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The format's file name extension.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Whether to continue reading.
pub(super) enum ReadControl {
    Continue,
    Stop,
}

/// One line of a file: its number and cells, or a fault.
pub(super) type Line<'a> = Result<(u64, &'a [String]), FileFault>;

/// Reads a file's rows in order and skips blank ones. An error concerns the file as a whole.
pub(super) fn read(
    file: &File,
    format: Format,
    scope: &FileScope,
    mut each: impl FnMut(u64, Result<LookupDraft, Vec<FileFault>>) -> ReadControl,
) -> Result<(), Vec<FileFault>> {
    let mut columns: Option<Columns> = None;
    let mut rows = 0;
    let mut header_faults = None;
    let mut take = |line: Line<'_>| {
        let (row, cells) = match line {
            Ok(line) => line,
            Err(fault) if columns.is_none() => {
                header_faults = Some(vec![fault]);
                return ReadControl::Stop;
            }
            Err(fault) => return each(fault.row, Err(vec![fault])),
        };
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return ReadControl::Continue;
        }
        let Some(columns) = &columns else {
            match Columns::read(cells, scope) {
                Ok(read) => columns = Some(read),
                Err(faults) => {
                    header_faults = Some(faults);
                    return ReadControl::Stop;
                }
            }
            return ReadControl::Continue;
        };
        rows += 1;
        if rows > MAX_ROWS {
            header_faults = Some(vec![row_fault(
                row,
                format!("is beyond the {MAX_ROWS} rows that one file may have; split the file"),
            )]);
            return ReadControl::Stop;
        }
        each(row, columns.draft(row, cells, scope))
    };
    match format {
        Format::Csv => csv::read_lines(file, &mut take)?,
        Format::Xlsx => xlsx::read_lines(file, &mut take)?,
    }
    if let Some(faults) = header_faults {
        return Err(faults);
    }
    if columns.is_none() {
        return Err(vec![row_fault(1, "is missing: the file is empty; begin it with a header")]);
    }
    Ok(())
}

/// A fault that concerns a whole row.
pub(super) fn row_fault(row: u64, message: impl Into<String>) -> FileFault {
    FileFault {
        row,
        column: None,
        message: message.into(),
    }
}
