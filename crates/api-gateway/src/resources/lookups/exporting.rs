//! Exports rows as a file that an import accepts unchanged.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use ig_core::id::OrgId;
use ig_core::lookup::LookupRow;
use ig_core::ports::StoreError;
use ig_store::{LookupFilter, LookupRows, LookupView};
use rust_xlsxwriter::{Workbook, XlsxError};
use tokio::sync::mpsc;

use super::cell;
use super::columns::{self, Column};
use super::file::Format;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;

/// The bytes of one chunk.
const CHUNK_BYTES: usize = 64 * 1024;
/// The most rows in a worksheet.
const MAX_SHEET_ROWS: u32 = 1_048_576;

/// A file with a header and no rows, to be filled in.
pub(crate) fn empty_file(format: Format) -> Result<Bytes, ApiError> {
    let headers = columns::TEMPLATE_HEADERS.map(str::to_owned);
    match format {
        Format::Csv => Ok(csv_line(headers.iter()).map_err(internal_error)?.into()),
        Format::Xlsx => {
            let mut workbook = Workbook::new();
            let sheet = workbook.add_worksheet();
            for (at, header) in (0..).zip(&headers) {
                sheet.write_string(0, at, header).map_err(internal_error)?;
            }
            Ok(workbook.save_to_buffer().map_err(internal_error)?.into())
        }
    }
}

/// Exports the rows that match a filter.
pub(crate) async fn export_rows(gateway: &Gateway, org: OrgId, filter: &LookupFilter, format: Format) -> Result<Body, ApiError> {
    let view = gateway.store().lookups().view(org, filter).await?;
    let columns = columns_of(&view).await?;
    let rows = view.rows().await?;
    match format {
        Format::Csv => Ok(Body::from_stream(stream_csv(columns, rows))),
        Format::Xlsx => stream_workbook(columns, rows).await,
    }
}

/// The columns that are needed to hold every field of the rows.
async fn columns_of(view: &LookupView) -> Result<Vec<Column>, ApiError> {
    let mut sources = BTreeSet::new();
    let mut targets = BTreeSet::new();
    let mut chunks = view.rows().await?;
    while let Some(chunk) = chunks.try_next().await? {
        for row in chunk {
            sources.extend(row.source.fields.into_iter().map(|(name, _)| name));
            targets.extend(row.target.fields.into_iter().map(|(name, _)| name));
        }
        if sources.len() + targets.len() + 5 > columns::MAX_COLUMNS {
            let message = format!(
                "The rows have more than {} different fields; export them by type",
                columns::MAX_COLUMNS
            );
            return Err(ApiError::new(ErrorCode::Conflict, message));
        }
    }
    let sources = sources.into_iter().map(Column::Source);
    let targets = targets.into_iter().map(Column::Target);
    let columns = [Column::Type, Column::Tenant, Column::SourceId].into_iter().chain(sources);
    Ok(columns
        .chain([Column::TargetId])
        .chain(targets)
        .chain([Column::Active])
        .collect())
}

/// A row's text in a column.
fn cell_text(row: &LookupRow, column: &Column) -> String {
    let field = |value: Option<&serde_json::Value>| value.map(|value| cell::encode(value).into_owned()).unwrap_or_default();
    match column {
        Column::Type => cell::encode_text(row.lookup_type.as_str()).into_owned(),
        Column::Tenant => row.tenant_id.map(|rid| rid.to_string()).unwrap_or_default(),
        Column::SourceId => cell::encode_text(&row.source.id).into_owned(),
        Column::Source(name) => field(row.source.fields.get(name)),
        Column::TargetId => cell::encode_text(&row.target.id).into_owned(),
        Column::Target(name) => field(row.target.fields.get(name)),
        Column::Active => row.is_active.to_string(),
    }
}

fn stream_csv(columns: Vec<Column>, rows: LookupRows) -> impl Stream<Item = Result<Vec<u8>, StoreError>> {
    let header = csv_line(columns.iter().map(Column::header)).map_err(|error| StoreError::Refused(error.to_string()));
    let chunks = rows.map(move |chunk| {
        let mut text = Vec::new();
        for row in chunk? {
            let cells = columns.iter().map(|column| cell_text(&row, column));
            text.extend(csv_line(cells).map_err(|error| StoreError::Refused(error.to_string()))?);
        }
        Ok(text)
    });
    stream::iter([header]).chain(chunks)
}

/// One CSV line, with its line break.
pub(crate) fn csv_line<T: AsRef<str>>(cells: impl Iterator<Item = T>) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells.map(|cell| cell.as_ref().to_owned()))?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Builds a workbook in a temporary file, row by row, because a workbook is complete only at its end.
async fn stream_workbook(columns: Vec<Column>, mut rows: LookupRows) -> Result<Body, ApiError> {
    let (sender, receiver) = mpsc::channel(2);
    let writing = tokio::task::spawn_blocking(move || write_workbook(&columns, receiver));
    while let Some(chunk) = rows.try_next().await? {
        if sender.send(chunk).await.is_err() {
            break;
        }
    }
    drop(sender);
    let file = writing
        .await
        .map_err(|_panic| ApiError::internal())?
        .map_err(internal_error)?;
    let chunks = stream::try_unfold(file, |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = file.read(&mut chunk)?;
            chunk.truncate(read);
            std::io::Result::Ok((chunk, file))
        });
        let (chunk, file) = read.await.map_err(std::io::Error::other)??;
        std::io::Result::Ok((!chunk.is_empty()).then_some((chunk, file)))
    });
    Ok(Body::from_stream(chunks))
}

fn write_workbook(columns: &[Column], mut rows: mpsc::Receiver<Vec<LookupRow>>) -> Result<std::fs::File, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    for (at, column) in (0..).zip(columns) {
        sheet.write_string(0, at, column.header())?;
    }
    let mut number = 0;
    while let Some(chunk) = rows.blocking_recv() {
        for row in chunk {
            number += 1;
            if number >= MAX_SHEET_ROWS {
                return Err(XlsxError::RowColumnLimitError);
            }
            for (at, column) in (0..).zip(columns) {
                let text = cell_text(&row, column);
                if !text.is_empty() {
                    sheet.write_string(number, at, text)?;
                }
            }
        }
    }
    let mut file = tempfile::tempfile()?;
    workbook.save_to_writer(&mut file)?;
    file.rewind()?;
    Ok(file)
}

fn internal_error(error: impl std::fmt::Display) -> ApiError {
    tracing::error!(%error, "a file cannot be written");
    ApiError::internal()
}
