//! Imports of lookup files: their faults and their progress.

use ig_core::clock::Timestamp;
use ig_store::{LookupImport, WriteCounts};
use serde::Serialize;
use utoipa::ToSchema;

use crate::document::listing::listing;

/// A fault in one cell or row of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileFault {
    /// The row number, or in CSV the line on which the row begins. The header is 1.
    pub row: u64,
    /// The header of the faulty column, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong, and what is expected.
    pub message: String,
}

/// The result of validating a file before its import.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportReport {
    /// Whether the file can be imported.
    pub is_valid: bool,
    /// The number of rows, without the header and blank rows.
    pub rows: u64,
    /// The types of these rows.
    pub types: Vec<String>,
    /// The first 1,000 faults.
    pub errors: Vec<FileFault>,
    /// The number of further faults.
    pub further_errors: u64,
}

/// An import and its progress.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LookupImport)]
pub(crate) struct ImportEntry {
    /// The import's identifier.
    pub id: String,
    /// The organisation.
    org_id: i64,
    /// `upsert` or `replace`.
    mode: &'static str,
    /// RUNNING, SUCCEEDED or FAILED.
    status: &'static str,
    /// The number of rows in the file.
    total: u64,
    /// The number of rows written so far.
    done: u64,
    /// The number of created rows.
    created: u64,
    /// The number of updated rows.
    updated: u64,
    /// The number of rows without a change.
    unchanged: u64,
    /// The number of replaced rows.
    removed: u64,
    /// Why the import failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When the import began.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the import last made progress, or ended.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

listing! {
    /// A page of an organisation's imports of lookup rows.
    ImportList { imports: ImportEntry }
}

impl From<LookupImport> for ImportEntry {
    fn from(import: LookupImport) -> Self {
        let LookupImport {
            id,
            org_id,
            mode,
            status,
            total,
            done,
            written,
            removed,
            error,
            created_at,
            updated_at,
            expires_at: _,
        } = import;
        let WriteCounts {
            created,
            updated,
            unchanged,
        } = written;
        Self {
            id: id.to_string(),
            org_id: org_id.0,
            mode: mode.as_str(),
            status: status.as_str(),
            total,
            done,
            created,
            updated,
            unchanged,
            removed,
            error,
            created_at,
            updated_at,
        }
    }
}
