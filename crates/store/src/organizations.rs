//! Organisations: `_id` is the tenant's number, which needs no further index to be unique and found.

use ig_core::id::OrgId;
use ig_core::organization::Organization;
use ig_core::ports::StoreError;
use ig_documents::OrganizationDocument;
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{ItemSealer, StoredDocument, format, item, stored_document};
use crate::database::Database;
use crate::error::unreadable;
use crate::names::ORGANIZATIONS;
use crate::page::{Listed, Page, add_search};

/// Read access to organisations; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct Organizations {
    database: Database,
}

impl Organizations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one organisation.
    pub async fn get(&self, org: OrgId) -> Result<Option<Organization>, StoreError> {
        let stored = stored_document::one::<OrganizationDocument>(&self.database, doc! { "_id": org.0 }).await?;
        let secrets = self.database.secrets();
        stored.map(|stored| item::read_organization(&stored, secrets)).transpose()
    }

    /// Lists all organisations by number, for administrators; `search` matches name and code.
    pub async fn list(&self, search: Option<&str>, page: Page) -> Result<Listed<Organization>, StoreError> {
        let mut filter = Document::new();
        add_search(&mut filter, search, &["name", "code"]);
        let listed = stored_document::page::<OrganizationDocument>(&self.database, filter, page).await?;
        listed.try_map(|stored| item::read_organization(&stored, self.database.secrets()))
    }
}

impl StoredDocument for OrganizationDocument {
    const COLLECTION: &'static str = ORGANIZATIONS;

    fn key(item: &Organization) -> Bson {
        item.org_id.0.into()
    }

    fn id(stored: &Document) -> Result<OrgId, StoreError> {
        stored.get_i64("orgId").map(OrgId).map_err(|_| unreadable("orgId"))
    }

    fn upgrade(stored: &mut Document, _: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::drop_nulls(stored);
        let mut limits = Document::new();
        for field in ["managementPerMinute", "runtimePerMinute"] {
            if let Some(limit) = stored.remove(field) {
                limits.insert(field, limit);
            }
        }
        stored.insert("requestLimits", limits);
        Ok(())
    }
}
