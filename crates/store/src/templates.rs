//! Templates of organisations.

mod document;

use ig_core::id::{OrgId, TemplateId};
use ig_core::ports::StoreError;
use ig_core::template::{Direction, Template};
use mongodb::bson::doc;

pub(crate) use document::TemplateDocument;

use crate::database::Database;
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
    pub const MOST: u64 = 500;

    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's templates.
    pub async fn get(&self, org: OrgId, id: TemplateId) -> Result<Option<Template>, StoreError> {
        let templates = self.database.collection::<TemplateDocument>(TEMPLATES);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0 };
        let found = self.database.within(templates.find_one(filter)).await?;
        found.map(TemplateDocument::read).transpose()
    }

    /// How many templates an organisation has.
    pub async fn count(&self, org: OrgId) -> Result<u64, StoreError> {
        let templates = self.database.collection::<TemplateDocument>(TEMPLATES);
        self.database.within(templates.count_documents(doc! { "orgId": org.0 })).await
    }

    /// An organisation's templates in the order of creation: at most [`Self::MOST`].
    pub async fn all(&self, org: OrgId, filter: &TemplateFilter) -> Result<Vec<Template>, StoreError> {
        let TemplateFilter { direction, category } = filter;
        let mut query = doc! { "orgId": org.0 };
        if let Some(direction) = direction {
            query.insert("direction", direction.as_str());
        }
        if let Some(category) = category {
            query.insert("category", category);
        }
        let templates = self.database.collection::<TemplateDocument>(TEMPLATES);
        let most = i64::try_from(Self::MOST).unwrap_or(i64::MAX);
        let find = templates.find(query).sort(doc! { "_id": 1 }).limit(most);
        self.database
            .all(find)
            .await?
            .into_iter()
            .map(TemplateDocument::read)
            .collect()
    }
}
