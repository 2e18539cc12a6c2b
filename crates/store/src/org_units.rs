//! Units of organisations: `_id` is the globally unique `rid`.

use ig_core::id::{OrgId, Rid};
use ig_core::organization::OrgUnit;
use ig_core::ports::StoreError;
use ig_documents::UnitDocument;
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{ItemSealer, StoredDocument, format, item, stored_document};
use crate::database::Database;
use crate::error::unreadable;
use crate::names::ORG_UNITS;
use crate::page::{Listed, Page, add_search};

/// Read access to units; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct OrgUnits {
    database: Database,
}

impl OrgUnits {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one unit of an organisation.
    pub async fn get(&self, org: OrgId, rid: Rid) -> Result<Option<OrgUnit>, StoreError> {
        let filter = doc! { "_id": rid.0, "orgId": org.0 };
        let stored = stored_document::one::<UnitDocument>(&self.database, filter).await?;
        let secrets = self.database.secrets();
        stored.map(|stored| item::read_unit(&stored, secrets)).transpose()
    }

    /// Lists an organisation's units by number; `search` matches name and code.
    pub async fn list(&self, org: OrgId, search: Option<&str>, page: Page) -> Result<Listed<OrgUnit>, StoreError> {
        let mut filter = doc! { "orgId": org.0 };
        add_search(&mut filter, search, &["name", "code"]);
        let listed = stored_document::page::<UnitDocument>(&self.database, filter, page).await?;
        listed.try_map(|stored| item::read_unit(&stored, self.database.secrets()))
    }
}

impl StoredDocument for UnitDocument {
    const COLLECTION: &'static str = ORG_UNITS;

    fn key(item: &OrgUnit) -> Bson {
        item.rid.0.into()
    }

    fn id(stored: &Document) -> Result<Rid, StoreError> {
        stored.get_i64("rid").map(Rid).map_err(|_| unreadable("rid"))
    }

    fn upgrade(stored: &mut Document, _: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::drop_nulls(stored);
        Ok(())
    }
}
