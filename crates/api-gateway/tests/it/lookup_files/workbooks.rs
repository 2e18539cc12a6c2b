//! Excel workbooks, well-formed and malicious.

use std::io::Write as _;

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{XLSX, imported, positions, upload};
use crate::lookups::{fresh, resolved};

#[tokio::test]
async fn workbook_import_skips_hidden_sheets_and_keeps_times() {
    let api = fresh().await;
    let mut book = rust_xlsxwriter::Workbook::new();
    let hidden = book.add_worksheet().set_hidden(true);
    for (column, text) in ["type", "source.id", "target.id"].into_iter().enumerate() {
        hidden.write_string(0, u16::try_from(column).unwrap(), text).unwrap();
        hidden.write_string(1, u16::try_from(column).unwrap(), "SECRET").unwrap();
    }
    let seen = book.add_worksheet().set_active(true);
    for (column, text) in ["type", "source.id", "target.id", "target.opens"].into_iter().enumerate() {
        seen.write_string(0, u16::try_from(column).unwrap(), text).unwrap();
    }
    for (column, text) in ["WARD", "1", "W-1"].into_iter().enumerate() {
        seen.write_string(1, u16::try_from(column).unwrap(), text).unwrap();
    }
    let format = rust_xlsxwriter::Format::new().set_num_format("hh:mm");
    seen.write_number_with_format(1, 3, 14.5 / 24.0, &format).unwrap();
    let import = imported(&api, "", XLSX, book.save_to_buffer().unwrap()).await;
    assert_eq!(
        (&import["status"], &import["created"]),
        (&json!("SUCCEEDED"), &json!(1)),
        "{import}"
    );
    let rows = api.get("/lookups?orgId=10").await.json;
    assert_eq!(
        (&rows["lookups"][0]["type"], &rows["lookups"][0]["target"]["opens"]),
        (&json!("WARD"), &json!("14:30")),
        "{rows}"
    );
}

/// A workbook of one megabyte whose sheet decompresses to more than half a gigabyte.
fn bomb() -> Vec<u8> {
    let mut writer = ZipWriter::new_append(std::io::Cursor::new(workbook(&[sheet(HEADER)]))).unwrap();
    writer
        .start_file("xl/worksheets/sheet2.xml", SimpleFileOptions::default())
        .unwrap();
    let blank = vec![b' '; 1024 * 1024];
    (0..540).for_each(|_| writer.write_all(&blank).unwrap());
    writer.finish().unwrap().into_inner()
}

fn sheet(rows: &str) -> (&'static str, Vec<u8>) {
    let text = format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    ("xl/worksheets/sheet1.xml", text.into_bytes())
}

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>type</t></is></c><c r=\"B1\" t=\"inlineStr\"><is><t>source.id</t></is></c><c r=\"C1\" t=\"inlineStr\"><is><t>target.id</t></is></c></row>";

#[tokio::test]
async fn workbook_import_reads_numeric_and_boolean_cells() {
    let api = fresh().await;
    let rows = format!(
        "{HEADER}<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>WARD</t></is></c><c r=\"B3\"><v>12</v></c><c r=\"C3\" t=\"b\"><v>1</v></c></row>"
    );
    let import = imported(&api, "", XLSX, workbook(&[sheet(&rows)])).await;
    assert_eq!(import["created"], json!(1), "{import}");
    let answer = resolved(&api, 10, json!({"type": "WARD", "value": 12})).await;
    assert_eq!(answer["target"]["id"], "true");
    let faulty = format!("{HEADER}<row r=\"9\"><c r=\"A9\" t=\"e\"><v>#REF!</v></c><c r=\"B9\"><v>1</v></c></row>");
    assert_eq!(
        positions(&upload(&api, "", XLSX, workbook(&[sheet(&faulty)])).await),
        ["/9/column 1"]
    );
}

#[tokio::test]
async fn malicious_workbook_is_refused_before_it_is_decompressed() {
    let api = fresh().await;
    let strings = |attributes: &str, text: &str| {
        let text = format!(
            "<?xml version=\"1.0\"?><sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" {attributes}>{text}</sst>"
        );
        ("xl/sharedStrings.xml", text.into_bytes())
    };
    let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<_>>();
    let announced = strings("uniqueCount=\"10000000000000\"", "");
    let elsewhere = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/worksheets/sheet1.xml\"/></Relationships>";
    let table: [(&str, Vec<u8>); 11] = [
        ("no archive", b"PK\x03\x04 and no more".to_vec()),
        (
            "an empty archive",
            ZipWriter::new(std::io::Cursor::new(Vec::new()))
                .finish()
                .unwrap()
                .into_inner(),
        ),
        ("a sheet of half a gigabyte", bomb()),
        (
            "styles of megabytes",
            workbook(&[sheet(HEADER), ("xl/styles.xml", vec![b' '; 3 * 1024 * 1024])]),
        ),
        ("room for ten trillion texts", workbook(&[sheet(HEADER), announced.clone()])),
        (
            "the same in UTF-16",
            workbook(&[sheet(HEADER), ("xl/sharedStrings.xml", wide(&announced.1))]),
        ),
        (
            "texts of nothing",
            workbook(&[sheet(HEADER), strings("", &"<si/>".repeat(7_000_000))]),
        ),
        (
            "a sheet in a workbook's place",
            workbook(&[sheet(HEADER), ("_rels/.rels", elsewhere.as_bytes().to_vec())]),
        ),
        (
            "a cell far out",
            workbook(&[sheet(&format!("{HEADER}<row r=\"2\"><c r=\"XFD2\"><v>1</v></c></row>"))]),
        ),
        (
            "rows out of order",
            workbook(&[sheet(&format!(
                "{HEADER}<row r=\"5\"><c r=\"A5\"><v>1</v></c></row><row r=\"2\"><c r=\"A2\"><v>1</v></c></row>"
            ))]),
        ),
        (
            "no sheet at all",
            workbook(&[("xl/worksheets/sheet1.xml", b"<nothing".to_vec())]),
        ),
    ];
    for (name, file) in table {
        let answer = upload(&api, "", XLSX, file).await;
        assert_eq!(
            (answer.status, answer.json["code"].as_str()),
            (400, Some("VALIDATION_ERROR")),
            "{name} {answer:?}"
        );
        assert!(!positions(&answer).is_empty(), "{name} {answer:?}");
    }
    assert_eq!(api.get("/health").await.status, 200);
}

/// A workbook of the given parts, in addition to the mandatory ones.
fn workbook(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let main: [(&str, &str); 5] = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        ("xl/worksheets/sheet1.xml", ""),
    ];
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let given = |name: &str| parts.iter().any(|(part, _)| *part == name);
    let main = main.iter().filter(|(name, _)| !given(name));
    let main = main.map(|(name, text)| (*name, text.as_bytes().to_vec()));
    for (name, bytes) in main.chain(parts.iter().cloned()) {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
