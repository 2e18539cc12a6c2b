//! Reading the items of one kind of configuration.

use std::borrow::Borrow;
use std::marker::PhantomData;

use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use super::stored_document::{ItemId, StoredDocument, decode, found};
use crate::database::Database;
use crate::maybe_readable::MaybeReadable;
use crate::page::{Listed, Page, add_search};

/// Read access to one kind of configuration; [`crate::Configurations::commit`] changes it.
#[derive(Debug, Clone)]
pub struct Configured<D> {
    pub(crate) database: Database,
    kind: PhantomData<fn() -> D>,
}

/// Selects items by a part of their texts; `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchFilter {
    /// The part, regardless of case.
    pub search: Option<String>,
}

impl SearchFilter {
    pub(crate) fn conditions(&self, fields: &[&str]) -> Document {
        let mut conditions = Document::new();
        add_search(&mut conditions, self.search.as_deref(), fields);
        conditions
    }
}

impl<D: StoredDocument> Configured<D> {
    pub(crate) fn new(database: Database) -> Self {
        let kind = PhantomData;
        Self { database, kind }
    }

    /// Whether an organisation has this item; decodes nothing.
    pub async fn exists(&self, org: OrgId, id: impl Borrow<ItemId<D>>) -> Result<bool, StoreError> {
        let items = self.database.collection::<Document>(D::COLLECTION);
        let found = items.find_one(one::<D>(org, id.borrow())).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }

    /// Reads one of an organisation's items; one that cannot be decoded is an error.
    pub async fn get(&self, org: OrgId, id: impl Borrow<ItemId<D>>) -> Result<Option<D::Item>, StoreError> {
        let stored = self.stored(one::<D>(org, id.borrow())).await?;
        stored.map(|stored| decode::<D>(stored, self.database.secrets())).transpose()
    }

    /// Reads one of an organisation's items, which may be undecodable.
    pub async fn find(&self, org: OrgId, id: impl Borrow<ItemId<D>>) -> Result<Option<MaybeReadable<D::Item>>, StoreError> {
        let stored = self.stored(one::<D>(org, id.borrow())).await?;
        stored.map(|stored| found::<D>(stored, self.database.secrets())).transpose()
    }

    /// Lists an organisation's items in the order of their `_id`: of creation, or by name or number.
    pub async fn list(&self, org: OrgId, filter: &D::Filter, page: Page) -> Result<Listed<MaybeReadable<D::Item>>, StoreError> {
        let mut conditions = D::conditions(filter);
        conditions.insert("orgId", org.0);
        self.page(conditions, page).await
    }

    pub(crate) async fn page(&self, filter: Document, page: Page) -> Result<Listed<MaybeReadable<D::Item>>, StoreError> {
        let (filter, by_id) = (directed::<D>(filter), doc! { "_id": 1 });
        let listed = self
            .database
            .page::<Document>(D::COLLECTION, filter, by_id, None, page)
            .await?;
        listed.try_map(|stored| found::<D>(stored, self.database.secrets()))
    }

    async fn stored(&self, filter: Document) -> Result<Option<Document>, StoreError> {
        let items = self.database.collection::<Document>(D::COLLECTION);
        self.database.within(items.find_one(filter)).await
    }
}

fn one<D: StoredDocument>(org: OrgId, id: &ItemId<D>) -> Document {
    directed::<D>(doc! { "_id": D::key(org, id), "orgId": org.0 })
}

fn directed<D: StoredDocument>(mut filter: Document) -> Document {
    if let Some(direction) = D::DIRECTION {
        filter.insert("direction", direction);
    }
    filter
}
