//! CSV: UTF-8 with or without a byte order mark. The separator follows from the first line (`sep=;`, an Excel convention) or from
//! the header.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use ::csv::{ByteRecord, ReaderBuilder};

use super::columns;
use super::file::{Line, ReadControl, row_fault};
use crate::document::FileFault;

/// How many bytes may precede the end of the header.
const MAX_HEADER_BYTES: u64 = 64 * 1024;
/// The most bytes in one cell.
const MAX_CELL_BYTES: usize = 32 * 1024;

/// Reads the lines of a file.
pub(super) fn read_lines(file: &File, take: &mut impl FnMut(Line<'_>) -> ReadControl) -> Result<(), Vec<FileFault>> {
    let broken = |error: std::io::Error| {
        tracing::error!(%error, "an upload that was kept cannot be read");
        vec![row_fault(1, "cannot be read; please try again")]
    };
    let Layout { separator, at, lines } = detect_layout(file).map_err(broken)??;
    let mut file = file;
    file.seek(SeekFrom::Start(at)).map_err(broken)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(BufReader::with_capacity(256 * 1024, file));
    let mut record = ByteRecord::new();
    let mut cells = Vec::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let line = lines + error.position().map_or(1, ::csv::Position::line);
                return Err(vec![row_fault(line, format!("cannot be read as CSV: {error}"))]);
            }
        }
        let line = lines + record.position().map_or(1, ::csv::Position::line);
        if let ReadControl::Stop = take(decode_cells(&record, line, &mut cells).map(|()| (line, cells.as_slice()))) {
            return Ok(());
        }
    }
}

fn decode_cells(record: &ByteRecord, line: u64, cells: &mut Vec<String>) -> Result<(), FileFault> {
    cells.clear();
    if record.len() > columns::MAX_COLUMNS {
        return Err(row_fault(line, format!("has more than {} cells", columns::MAX_COLUMNS)));
    }
    for (at, cell) in record.iter().enumerate() {
        let fault = |message: &str| FileFault {
            row: line,
            column: Some(format!("column {}", at + 1)),
            message: message.to_owned(),
        };
        if cell.len() > MAX_CELL_BYTES {
            return Err(fault("is longer than 32 KiB; look for a quote that is not closed"));
        }
        let text = std::str::from_utf8(cell).map_err(|_| fault("is not UTF-8; save the file as \"CSV UTF-8\""))?;
        if text.contains('\0') {
            return Err(fault("holds a NUL character; save the file as \"CSV UTF-8\""));
        }
        cells.push(text.to_owned());
    }
    Ok(())
}

/// Where the header begins, and how it is written.
struct Layout {
    separator: u8,
    /// The offset in bytes.
    at: u64,
    /// The number of lines before it.
    lines: u64,
}

#[expect(clippy::naive_bytecount, reason = "a crate for it would not pay")]
fn detect_layout(file: &File) -> std::io::Result<Result<Layout, Vec<FileFault>>> {
    let mut file = file;
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    BufReader::new(file.take(MAX_HEADER_BYTES)).read_until(b'\n', &mut first)?;
    if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
        return Ok(Err(vec![row_fault(1, "is UTF-16; save the file as \"CSV UTF-8\"")]));
    }
    let mark: u64 = if first.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
    if let Some(separator) = declared_separator(&first[usize::try_from(mark).unwrap_or_default()..]) {
        let at = u64::try_from(first.len()).unwrap_or(u64::MAX);
        return Ok(Ok(Layout { separator, at, lines: 1 }));
    }
    let count = |separator: &u8| first.iter().filter(|byte| *byte == separator).count();
    let separator = [b',', b';', b'\t'].into_iter().rev().max_by_key(count).unwrap_or(b',');
    Ok(Ok(Layout {
        separator,
        at: mark,
        lines: 0,
    }))
}

/// The separator that a `sep=;` line declares, perhaps in quotes.
fn declared_separator(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_end();
    // The separator may be a tab, which is white space.
    let line = if line.to_ascii_lowercase().ends_with(b"sep=") {
        b"sep=\t"
    } else {
        line
    };
    let line = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""))
        .unwrap_or(line);
    match line {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] => Some(*separator),
        _ => None,
    }
}
