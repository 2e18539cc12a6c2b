//! Imports of lookup rows: how far each has come, for whoever asks, whichever process runs it.

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
use crate::lookups::Written;
use crate::names::LOOKUP_IMPORTS;
use crate::page::{Listed, Page, Period, Sought, Time};

/// An import that was not heard of for so long has ended with the process that ran it.
pub const FOUND_DEAD_AFTER: Duration = Duration::from_mins(1);

/// An import of lookup rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupImport {
    /// Its identifier.
    pub id: ImportId,
    /// The tenant.
    pub org_id: OrgId,
    /// What it does with the rows there are.
    pub mode: ImportMode,
    /// Where it stands, as far as it was heard of.
    pub status: ImportStatus,
    /// The rows of the file.
    pub total: u64,
    /// Those that are written.
    pub done: u64,
    /// What became of them.
    pub written: Written,
    /// Rows that were replaced.
    pub removed: u64,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// The imports of all organisations.
#[derive(Debug, Clone)]
pub struct LookupImports {
    database: Database,
}

impl LookupImport {
    /// The import as it stands at a moment: one that was not heard of for [`FOUND_DEAD_AFTER`] has failed.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        if self.status == ImportStatus::Running && self.updated_at + FOUND_DEAD_AFTER < now {
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

    /// Notes that an import begins.
    pub async fn begin(&self, import: &LookupImport) -> Result<(), StoreError> {
        let imports = self.database.collection::<ImportDocument>(LOOKUP_IMPORTS);
        self.database.within(imports.insert_one(ImportDocument::from(import))).await?;
        Ok(())
    }

    /// Notes how far an import has come, or how it ended.
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

    /// One of an organisation's imports.
    pub async fn get(&self, org: OrgId, id: ImportId) -> Result<Option<LookupImport>, StoreError> {
        let imports = self.database.collection::<ImportDocument>(LOOKUP_IMPORTS);
        let found = imports.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 });
        self.database.within(found).await?.map(LookupImport::try_from).transpose()
    }

    /// An organisation's imports, the latest first.
    pub async fn list(&self, org: OrgId, page: Page) -> Result<Listed<LookupImport>, StoreError> {
        let sought = Sought {
            collection: LOOKUP_IMPORTS,
            query: doc! { "orgId": org.0 },
            keys: &["orgId"],
            time: Time::CREATED,
            period: Period::default(),
            without: None,
        };
        let listed = self.database.latest::<ImportDocument>(sought, page).await?;
        listed.try_map(LookupImport::try_from)
    }
}
