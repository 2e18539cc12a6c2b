//! Excel workbooks: reads the first visible sheet cell by cell.

mod guard;

use std::fs::File;
use std::io::BufReader;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use super::columns;
use super::file::{Line, ReadControl, row_fault};
use crate::document::FileFault;

/// Reads the lines of a workbook's first visible sheet: an import takes nothing that its author cannot see.
pub(super) fn read_lines(file: &File, take: &mut impl FnMut(Line<'_>) -> ReadControl) -> Result<(), Vec<FileFault>> {
    guard::check(file).map_err(|message| vec![row_fault(1, message)])?;
    let opened = guard::from_start(file).map_err(|message| vec![row_fault(1, message)])?;
    read_sheet(opened, take).map_err(|error| vec![row_fault(1, format!("cannot be read as a workbook: {error}"))])
}

fn read_sheet(file: BufReader<&File>, take: &mut impl FnMut(Line<'_>) -> ReadControl) -> Result<(), XlsxError> {
    let mut workbook = Xlsx::new(file)?;
    let sheets = workbook.sheets_metadata().iter();
    let mut visible = sheets.filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet);
    let first = visible
        .next()
        .ok_or(XlsxError::Unexpected("a workbook without a sheet that is not hidden"))?;
    let name = first.name.clone();
    let mut reader = workbook.worksheet_cells_reader(&name)?;
    let mut row = Row::default();
    while let Some(cell) = reader.next_cell()? {
        let (at, column) = cell.get_position();
        if row.number != Some(at) {
            if let ReadControl::Stop = row.emit(take) {
                return Ok(());
            }
            row.start(at);
        }
        row.set_cell(column, cell.get_value());
    }
    row.emit(take);
    Ok(())
}

/// The row that incoming cells make up.
#[derive(Default)]
struct Row {
    number: Option<u32>,
    cells: Vec<String>,
    fault: Option<FileFault>,
}

impl Row {
    fn start(&mut self, number: u32) {
        let is_behind = self.number.is_some_and(|before| number < before);
        self.number = Some(number);
        self.cells.clear();
        self.fault = is_behind.then(|| row_fault(u64::from(number) + 1, "stands behind a later row; save the workbook anew"));
    }

    fn set_cell(&mut self, column: u32, value: &DataRef<'_>) {
        let Ok(text) = cell_text(value) else {
            self.set_fault(column, "holds an error; correct it in the workbook");
            return;
        };
        if text.is_empty() {
            return;
        }
        let at = usize::try_from(column).unwrap_or(usize::MAX);
        if at >= columns::MAX_COLUMNS {
            self.set_fault(column, "is beyond the columns that are read");
            return;
        }
        if self.cells.len() <= at {
            self.cells.resize(at + 1, String::new());
        }
        self.cells[at] = text;
    }

    fn set_fault(&mut self, column: u32, message: &str) {
        let number = self.number.unwrap_or_default();
        self.fault.get_or_insert_with(|| FileFault {
            row: u64::from(number) + 1,
            column: Some(format!("column {}", u64::from(column) + 1)),
            message: message.to_owned(),
        });
    }

    fn emit(&mut self, take: &mut impl FnMut(Line<'_>) -> ReadControl) -> ReadControl {
        let Some(number) = self.number else {
            return ReadControl::Continue;
        };
        match self.fault.take() {
            Some(fault) => take(Err(fault)),
            None => take(Ok((u64::from(number) + 1, &self.cells))),
        }
    }
}

/// A cell as text, with numbers as people write them.
fn cell_text(value: &DataRef<'_>) -> Result<String, ()> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(at) if at.is_duration() || at.as_f64() < 1.0 => format_time(at),
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        DataRef::Error(_) => return Err(()),
    })
}

/// A time of day or a duration, that is a cell without a date. Seconds appear unless they are zero.
fn format_time(at: &ExcelDateTime) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, beyond all spans that a sheet shows")]
    let seconds = (at.as_f64() * 86_400.0).round() as i64;
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match rest {
        0 => format!("{sign}{hours:02}:{minutes:02}"),
        rest => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}
