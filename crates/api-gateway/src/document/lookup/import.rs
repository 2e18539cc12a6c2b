//! Imports: what is wrong with a file, and how far one has come.

use ig_core::clock::Timestamp;
use ig_store::{LookupImport, Written};
use serde::Serialize;
use utoipa::ToSchema;

use crate::document::listing::listing;

/// What is wrong with one cell or row of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileFault {
    /// The row, or in CSV the line on which it begins; the header is 1.
    pub row: u64,
    /// The column by its header, where one is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What an import of a file would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportReport {
    /// Whether the file can be imported.
    pub is_valid: bool,
    /// The rows that were read, without the header and blank ones.
    pub rows: u64,
    /// Their types.
    pub types: Vec<String>,
    /// What is wrong: the first 1,000 faults.
    pub errors: Vec<FileFault>,
    /// How many faults there are beyond these.
    pub further_errors: u64,
}

/// An import that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LookupImport)]
pub(crate) struct ImportEntry {
    /// Its identifier.
    pub id: String,
    /// The organisation.
    org_id: i64,
    /// `upsert` or `replace`.
    mode: &'static str,
    /// RUNNING, SUCCEEDED or FAILED.
    status: &'static str,
    /// The rows of the file.
    total: u64,
    /// Those that are written.
    done: u64,
    /// Rows that were made.
    created: u64,
    /// Rows that were changed.
    updated: u64,
    /// Rows that were so already.
    unchanged: u64,
    /// Rows that were replaced.
    removed: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last heard of, or ended.
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
        let Written {
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
