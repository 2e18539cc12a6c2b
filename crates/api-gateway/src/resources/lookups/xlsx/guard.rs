//! Measures a workbook before it is opened: an archive of a few kilobytes can hold gigabytes.
//!
//! Sheets are read cell by cell, so they may be large. All other parts stay in memory while the sheet is read, and the shared
//! strings declare a count for which memory is reserved at once; this guard bounds both.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};

use zip::ZipArchive;

/// The most parts in a workbook.
const MAX_PARTS: usize = 500;
/// The most bytes of all parts together, uncompressed.
const MAX_TOTAL_BYTES: u64 = 512 * 1024 * 1024;
/// The most bytes of shared strings.
const MAX_STRING_BYTES: u64 = 64 * 1024 * 1024;
/// The most tags in the shared strings; a string has four, or as little as one.
const MAX_STRING_TAGS: u64 = 6_000_000;
/// The highest declared count of shared strings.
const MAX_DECLARED_STRINGS: u64 = 3_000_000;
/// The most bytes of any other part except sheets.
const MAX_OTHER_BYTES: u64 = 2 * 1024 * 1024;

const NOT_A_WORKBOOK: &str = "is no workbook of Excel (.xlsx)";
const TOO_LARGE: &str = "unpacks to more than an import may hold; save the rows alone as a new workbook, or as CSV";

/// A reader at the file's first byte.
pub(super) fn from_start(mut file: &File) -> Result<BufReader<&File>, String> {
    let sought = file.seek(SeekFrom::Start(0));
    sought.map_err(|_| "cannot be read; please try again".to_owned())?;
    Ok(BufReader::with_capacity(256 * 1024, file))
}

/// Refuses a workbook that exceeds a limit.
pub(super) fn check(file: &File) -> Result<(), String> {
    let mut archive = ZipArchive::new(from_start(file)?).map_err(|_| NOT_A_WORKBOOK)?;
    if archive.len() > MAX_PARTS {
        return Err(TOO_LARGE.to_owned());
    }
    let mut whole = 0;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| NOT_A_WORKBOOK)?;
        let name = part.name().map_err(|_| NOT_A_WORKBOOK)?.to_ascii_lowercase();
        let mut meter = PartMeter::of(&name);
        meter.read(part, MAX_TOTAL_BYTES - whole)?;
        whole += meter.bytes;
    }
    check_workbook_part(&mut archive)
}

/// Checks that the workbook part is at its usual place: otherwise a sheet in disguise would be held in memory.
fn check_workbook_part(archive: &mut ZipArchive<BufReader<&File>>) -> Result<(), String> {
    let mut text = String::new();
    let mut root = archive.by_name("_rels/.rels").map_err(|_| NOT_A_WORKBOOK)?;
    root.read_to_string(&mut text).map_err(|_| NOT_A_WORKBOOK)?;
    let is_plain = text.contains("xl/workbook.xml") && !text.contains(['&', '\0']) && !text.contains("worksheets");
    if is_plain { Ok(()) } else { Err(NOT_A_WORKBOOK.to_owned()) }
}

/// The measured content of one part.
struct PartMeter {
    bytes: u64,
    tags: u64,
    max_bytes: u64,
    is_text: bool,
    /// The end of the previous chunk, where a word may begin.
    tail: Vec<u8>,
}

impl PartMeter {
    fn of(name: &str) -> Self {
        let is_text = name.ends_with("sharedstrings.xml");
        let is_sheet = name.strip_prefix("xl/worksheets/").is_some_and(|name| !name.contains('/'));
        let max_bytes = match (is_text, is_sheet) {
            (true, _) => MAX_STRING_BYTES,
            (_, true) => MAX_TOTAL_BYTES,
            _ => MAX_OTHER_BYTES,
        };
        Self {
            bytes: 0,
            tags: 0,
            max_bytes,
            is_text,
            tail: Vec::new(),
        }
    }

    fn read(&mut self, mut part: impl Read, left: u64) -> Result<(), String> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = part.read(&mut buffer).map_err(|_| NOT_A_WORKBOOK)?;
            if read == 0 {
                return Ok(());
            }
            self.bytes += read as u64;
            if self.bytes > self.max_bytes.min(left) {
                return Err(TOO_LARGE.to_owned());
            }
            if self.is_text {
                self.inspect(&buffer[..read])?;
            }
        }
    }

    #[expect(clippy::naive_bytecount, reason = "a crate for it would not pay")]
    fn inspect(&mut self, bytes: &[u8]) -> Result<(), String> {
        // Another encoding would hide the words to search for.
        if bytes.iter().any(|byte| matches!(byte, 0 | 0x1b)) {
            return Err(NOT_A_WORKBOOK.to_owned());
        }
        self.tags += bytes.iter().filter(|byte| **byte == b'<').count() as u64;
        let mut window = std::mem::take(&mut self.tail);
        window.extend_from_slice(bytes);
        if self.tags > MAX_STRING_TAGS || declares_too_many(&window) || names_another_encoding(&window) {
            return Err(TOO_LARGE.to_owned());
        }
        self.tail = window.split_off(window.len().saturating_sub(256));
        Ok(())
    }
}

fn declares_too_many(window: &[u8]) -> bool {
    texts_after(window, b"uniqueCount").any(|rest| {
        let digits: String = attribute_value(rest).chars().take_while(char::is_ascii_digit).collect();
        digits.len() > 18 || digits.parse().unwrap_or(0) > MAX_DECLARED_STRINGS
    })
}

fn names_another_encoding(window: &[u8]) -> bool {
    let is_declared = window.starts_with(b"<?xml") || window.starts_with(b"\xef\xbb\xbf<?xml");
    let mut named = texts_after(&window[..window.len().min(200)], b"encoding");
    is_declared && named.any(|rest| !attribute_value(rest).to_ascii_lowercase().starts_with("utf-8"))
}

/// The text after each occurrence of a word.
fn texts_after<'a>(window: &'a [u8], word: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let candidates = window.windows(word.len()).enumerate();
    candidates
        .filter(move |(_, found)| *found == word)
        .map(move |(at, _)| &window[at + word.len()..])
}

/// The beginning of an attribute's value.
fn attribute_value(rest: &[u8]) -> String {
    let plain = rest
        .iter()
        .skip_while(|byte| matches!(byte, b'=' | b'"' | b'\'' | b' ' | b'\t' | b'\r' | b'\n'));
    plain.take(32).map(|byte| char::from(*byte)).collect()
}
