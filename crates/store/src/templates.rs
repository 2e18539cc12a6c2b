//! Templates of organisations.

use ig_core::id::{OrgId, TemplateId};
use ig_core::ports::StoreError;
use ig_core::template::{Direction, Template};
use ig_documents::TemplateDocument;
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{ItemSealer, StoredDocument, format, stored_document};
use crate::database::Database;
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

/// Read access to templates; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct Templates {
    database: Database,
}

impl Templates {
    /// The most templates of one organisation.
    pub const MAX_PER_ORG: u64 = 500;

    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's templates.
    pub async fn get(&self, org: OrgId, id: TemplateId) -> Result<Option<Template>, StoreError> {
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0 };
        stored_document::get::<TemplateDocument>(&self.database, filter).await
    }

    /// How many templates an organisation has.
    pub async fn count(&self, org: OrgId) -> Result<u64, StoreError> {
        let templates = self.database.collection::<Document>(TEMPLATES);
        self.database.within(templates.count_documents(doc! { "orgId": org.0 })).await
    }

    /// An organisation's templates in the order of creation: at most [`Self::MAX_PER_ORG`].
    pub async fn all(&self, org: OrgId, filter: &TemplateFilter) -> Result<Vec<Template>, StoreError> {
        let TemplateFilter { direction, category } = filter;
        let mut query = doc! { "orgId": org.0 };
        if let Some(direction) = direction {
            query.insert("direction", direction.as_str());
        }
        if let Some(category) = category {
            query.insert("category", category);
        }
        let templates = self.database.collection::<Document>(TEMPLATES);
        let most = i64::try_from(Self::MAX_PER_ORG).unwrap_or(i64::MAX);
        let find = templates.find(query).sort(doc! { "_id": 1 }).limit(most);
        let found = self.database.all(find).await?.into_iter();
        let secrets = self.database.secrets();
        found
            .map(|stored| stored_document::decode::<TemplateDocument>(stored, secrets))
            .collect()
    }
}

impl StoredDocument for TemplateDocument {
    const COLLECTION: &'static str = TEMPLATES;

    fn key(item: &Template) -> Bson {
        object_id(item.id.0).into()
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
