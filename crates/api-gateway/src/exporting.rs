//! Exports of any number of logs, streamed in batches so that memory use stays constant.

use axum::body::Body;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use ig_core::delivery_log::DeliveryLog;
use ig_core::id::OrgId;
use ig_core::named::Named;
use ig_core::ports::StoreError;
use ig_store::LogFilter;

use crate::document::DeliveryLogEntry;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::resources::lookups::{csv_line, encode_text};

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// CSV, for spreadsheets.
    Csv,
    /// One line of JSON per log, for programs.
    Ndjson,
}

impl Named for LogFormat {
    fn all() -> &'static [Self] {
        &[Self::Csv, Self::Ndjson]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

impl LogFormat {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        })
    }

    fn disposition(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "attachment; filename=\"logs.csv\"",
            Self::Ndjson => "attachment; filename=\"logs.ndjson\"",
        })
    }
}

/// Streams all deliveries that match a filter.
pub(crate) async fn stream_logs(
    gateway: &Gateway,
    org: OrgId,
    filter: &LogFilter,
    format: LogFormat,
) -> Result<Response, ApiError> {
    let batches = gateway.store().delivery_logs().stream(org, filter).await?;
    let header = match format {
        LogFormat::Csv => csv_line(DeliveryLogEntry::COLUMNS.iter()).map_err(|error| unwritable(&error))?,
        LogFormat::Ndjson => Vec::new(),
    };
    let written = batches.map(move |batch| render(batch?, format));
    let whole = stream::iter([Ok(header)]).chain(written);
    let mut response = Response::new(Body::from_stream(whole));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, format.content_type());
    headers.insert(CONTENT_DISPOSITION, format.disposition());
    Ok(response)
}

fn render(batch: Vec<DeliveryLog>, format: LogFormat) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::new();
    for entry in batch.into_iter().map(DeliveryLogEntry::from) {
        match format {
            LogFormat::Csv => {
                let cells = entry.cells();
                let cells = cells.iter().map(|cell| encode_text(cell));
                text.extend(csv_line(cells).map_err(|error| unwritable(&error))?);
            }
            LogFormat::Ndjson => {
                serde_json::to_writer(&mut text, &entry).map_err(|error| unwritable(&error))?;
                text.push(b'\n');
            }
        }
    }
    Ok(text)
}

fn unwritable(error: &impl ToString) -> StoreError {
    StoreError::Refused(error.to_string())
}
