//! An import as stored.

use ig_core::id::{ImportId, OrgId};
use ig_core::lookup::{ImportMode, ImportStatus};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::LookupImport;
use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};
use crate::lookups::WriteCounts;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    mode: String,
    status: String,
    total: i64,
    done: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    removed: i64,
    error: Option<String>,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
    expires_at: bson::DateTime,
}

impl From<&LookupImport> for ImportDocument {
    fn from(import: &LookupImport) -> Self {
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
            expires_at,
        } = import;
        let WriteCounts {
            created,
            updated,
            unchanged,
        } = written;
        Self {
            id: object_id(id.0),
            org_id: org_id.0,
            mode: mode.as_str().to_owned(),
            status: status.as_str().to_owned(),
            total: long(*total),
            done: long(*done),
            created: long(*created),
            updated: long(*updated),
            unchanged: long(*unchanged),
            removed: long(*removed),
            error: error.clone(),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
            expires_at: date(*expires_at),
        }
    }
}

impl TryFrom<ImportDocument> for LookupImport {
    type Error = StoreError;

    fn try_from(document: ImportDocument) -> Result<Self, StoreError> {
        let ImportDocument {
            id,
            org_id,
            mode,
            status,
            total,
            done,
            created,
            updated,
            unchanged,
            removed,
            error,
            created_at,
            updated_at,
            expires_at,
        } = document;
        let written = WriteCounts {
            created: unsigned(created),
            updated: unsigned(updated),
            unchanged: unsigned(unchanged),
        };
        Ok(Self {
            id: ImportId(id.bytes()),
            org_id: OrgId(org_id),
            mode: ImportMode::parse(&mode).ok_or_else(|| unreadable("mode"))?,
            status: ImportStatus::parse(&status).ok_or_else(|| unreadable("status"))?,
            total: unsigned(total),
            done: unsigned(done),
            written,
            removed: unsigned(removed),
            error,
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
            expires_at: timestamp(expires_at),
        })
    }
}
