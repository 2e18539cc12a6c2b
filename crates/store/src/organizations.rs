//! Organisations: `_id` is the tenant's number, which needs no further index to be unique and found.

use ig_core::id::OrgId;
use ig_core::organization::Organization;
use ig_core::ports::StoreError;
use ig_documents::OrganizationDocument;
use mongodb::bson::{Bson, Document};

use crate::configuration::{Configured, ItemSealer, SearchFilter, StoredDocument, format};
use crate::error::unreadable;
use crate::maybe_readable::MaybeReadable;
use crate::names::ORGANIZATIONS;
use crate::page::{Listed, Page};

/// Read access to organisations.
pub type Organizations = Configured<OrganizationDocument>;

impl Organizations {
    /// Lists the organisations by number, for administrators.
    pub async fn all(&self, filter: &SearchFilter, page: Page) -> Result<Listed<MaybeReadable<Organization>>, StoreError> {
        self.page(OrganizationDocument::conditions(filter), page).await
    }
}

impl StoredDocument for OrganizationDocument {
    type Filter = SearchFilter;

    const COLLECTION: &'static str = ORGANIZATIONS;

    fn key(_: OrgId, id: &OrgId) -> Bson {
        id.0.into()
    }

    fn conditions(filter: &SearchFilter) -> Document {
        filter.conditions(&["name", "code"])
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
