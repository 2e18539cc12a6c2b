//! Templates of organisations.

use ig_core::id::{OrgId, TemplateId};
use ig_core::ports::StoreError;
use ig_core::template::Direction;
use ig_documents::TemplateDocument;
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{Configured, ItemSealer, StoredDocument, format};
use crate::error::unreadable;
use crate::field::object_id;
use crate::names::TEMPLATES;

/// Selects templates; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateFilter {
    /// The direction of the integrations that they describe.
    pub direction: Option<Direction>,
    /// The exact category.
    pub category: Option<String>,
}

/// Read access to templates.
pub type Templates = Configured<TemplateDocument>;

impl Templates {
    /// The most templates of one organisation.
    pub const MAX_PER_ORG: u32 = 500;

    /// How many templates an organisation has.
    pub async fn count(&self, org: OrgId) -> Result<u64, StoreError> {
        let templates = self.database.collection::<Document>(TEMPLATES);
        self.database.within(templates.count_documents(doc! { "orgId": org.0 })).await
    }
}

impl StoredDocument for TemplateDocument {
    type Filter = TemplateFilter;

    const COLLECTION: &'static str = TEMPLATES;

    fn key(_: OrgId, id: &TemplateId) -> Bson {
        object_id(id.0).into()
    }

    fn conditions(filter: &TemplateFilter) -> Document {
        let TemplateFilter { direction, category } = filter;
        let mut conditions = Document::new();
        if let Some(direction) = direction {
            conditions.insert("direction", direction.as_str());
        }
        if let Some(category) = category {
            conditions.insert("category", category);
        }
        conditions
    }

    fn id(stored: &Document) -> Result<TemplateId, StoreError> {
        let id = stored.get_object_id("_id").map_err(|_| unreadable("_id"))?;
        Ok(TemplateId(id.bytes()))
    }

    fn upgrade(stored: &mut Document, _: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::drop_nulls(stored);
        Ok(())
    }
}
