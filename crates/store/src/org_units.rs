//! Units of organisations: `_id` is the globally unique `rid`.

mod document;

use ig_core::id::{OrgId, Rid};
use ig_core::organization::OrgUnit;
use ig_core::ports::StoreError;
use mongodb::bson::doc;

pub(crate) use document::OrgUnitDocument;

use crate::database::Database;
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
        let units = self.database.collection::<OrgUnitDocument>(ORG_UNITS);
        let found = self
            .database
            .within(units.find_one(doc! { "_id": rid.0, "orgId": org.0 }))
            .await?;
        Ok(found.map(OrgUnit::from))
    }

    /// Lists an organisation's units by number; `search` matches name and code.
    pub async fn list(&self, org: OrgId, search: Option<&str>, page: Page) -> Result<Listed<OrgUnit>, StoreError> {
        let mut filter = doc! { "orgId": org.0 };
        add_search(&mut filter, search, &["name", "code"]);
        let listed = self
            .database
            .page::<OrgUnitDocument>(ORG_UNITS, filter, doc! { "_id": 1 }, None, page)
            .await?;
        Ok(listed.map(OrgUnit::from))
    }
}
