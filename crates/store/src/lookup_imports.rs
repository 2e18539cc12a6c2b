//! Imports of lookup rows: the progress of each, for every process to read.

mod document;

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::id::{ImportId, OrgId};
use ig_core::lookup::{ImportMode, ImportStatus};
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use document::ImportDocument;

use crate::database::Database;
use crate::field::{date, long, object_id};
use crate::lookups::WriteCounts;
use crate::names::LOOKUP_IMPORTS;
use crate::page::{Listed, Page, Period, SortTime, TimedSearch};

/// An import without an update for so long has died with the process that ran it.
pub const STALE_AFTER: Duration = Duration::from_mins(1);

/// An import of lookup rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupImport {
    /// Its identifier.
    pub id: ImportId,
    /// The tenant.
    pub org_id: OrgId,
    /// What it does with existing rows.
    pub mode: ImportMode,
    /// Its last known status.
    pub status: ImportStatus,
    /// The number of rows in the file.
    pub total: u64,
    /// Rows written so far.
    pub done: u64,
    /// Rows by the result of their write.
    pub written: WriteCounts,
    /// Rows that were replaced.
    pub removed: u64,
    /// Why it failed, for people to read.
    pub error: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last updated.
    pub updated_at: Timestamp,
    /// When it may be deleted.
    pub expires_at: Timestamp,
}

/// The imports of all organisations.
#[derive(Debug, Clone)]
pub struct LookupImports {
    database: Database,
}

impl LookupImport {
    /// The import as of `now`: without an update within [`STALE_AFTER`], a running import has failed.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        if self.status == ImportStatus::Running && self.updated_at + STALE_AFTER < now {
            self.status = ImportStatus::Failed;
            self.error = Some("it was cut off; the rows that were counted are written, send the file again".to_owned());
        }
        self
    }
}

impl LookupImports {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Records the beginning of an import.
    pub async fn begin(&self, import: &LookupImport) -> Result<(), StoreError> {
        let imports = self.database.collection::<ImportDocument>(LOOKUP_IMPORTS);
        self.database.within(imports.insert_one(ImportDocument::from(import))).await?;
        Ok(())
    }

    /// Records the progress or the end of an import.
    pub async fn update(&self, import: &LookupImport) -> Result<(), StoreError> {
        let imports = self.database.collection::<Document>(LOOKUP_IMPORTS);
        let set = doc! {
            "status": import.status.as_str(),
            "done": long(import.done),
            "created": long(import.written.created),
            "updated": long(import.written.updated),
            "unchanged": long(import.written.unchanged),
            "removed": long(import.removed),
            "error": &import.error,
            "updatedAt": date(import.updated_at),
        };
        let this = doc! { "_id": object_id(import.id.0), "orgId": import.org_id.0 };
        self.database.within(imports.update_one(this, doc! { "$set": set })).await?;
        Ok(())
    }

    /// Reads one of an organisation's imports.
    pub async fn get(&self, org: OrgId, id: ImportId) -> Result<Option<LookupImport>, StoreError> {
        let imports = self.database.collection::<ImportDocument>(LOOKUP_IMPORTS);
        let found = imports.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 });
        self.database.within(found).await?.map(LookupImport::try_from).transpose()
    }

    /// Lists an organisation's imports, newest first.
    pub async fn list(&self, org: OrgId, page: Page) -> Result<Listed<LookupImport>, StoreError> {
        let search = TimedSearch {
            collection: LOOKUP_IMPORTS,
            query: doc! { "orgId": org.0 },
            keys: &["orgId"],
            time: SortTime::CREATED,
            period: Period::default(),
            without: None,
        };
        let listed = self.database.latest::<ImportDocument>(search, page).await?;
        listed.try_map(LookupImport::try_from)
    }
}
