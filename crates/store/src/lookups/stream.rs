//! Reading any number of rows with bounded memory.

use std::time::Instant;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use ig_core::id::OrgId;
use ig_core::lookup::LookupRow;
use ig_core::ports::StoreError;
use mongodb::Cursor;
use mongodb::bson::Document;

use super::document::RowDocument;
use super::leftovers::LEFTOVER_RETENTION;
use super::read::in_order;
use super::{LookupFilter, MongoLookups};
use crate::names::LOOKUPS;
use crate::stored::Stored;

/// Rows per batch.
const BATCH: usize = 1_000;

/// Rows in batches.
pub type LookupRows = BoxStream<'static, Result<Vec<LookupRow>, StoreError>>;

/// The rows that a filter matched at one time; they can be read repeatedly.
#[derive(Debug, Clone)]
pub struct LookupView {
    lookups: MongoLookups,
    query: Document,
    taken: Instant,
}

impl MongoLookups {
    /// Opens a view of the rows that a filter matches.
    pub async fn view(&self, org: OrgId, filter: &LookupFilter) -> Result<LookupView, StoreError> {
        Ok(LookupView {
            lookups: self.clone(),
            query: self.query(org, filter).await?,
            taken: Instant::now(),
        })
    }

    async fn next_batch(&self, cursor: &mut Cursor<Stored<RowDocument>>) -> Result<Vec<LookupRow>, StoreError> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            match self.database.next(cursor).await? {
                Some(row) => batch.push(row.try_into()?),
                None => break,
            }
        }
        Ok(batch)
    }
}

impl LookupView {
    /// The rows by type and source, without rows of tables that replaced theirs since. Fails for a reader so slow that
    /// this can no longer be guaranteed.
    pub async fn rows(&self) -> Result<LookupRows, StoreError> {
        let rows = self.lookups.database.collection::<RowDocument>(LOOKUPS);
        let find = rows.find(self.query.clone()).sort(in_order()).batch_size(2_000);
        let cursor = self.lookups.database.within(find).await?;
        let batches = stream::try_unfold((self.clone(), cursor), |(view, mut cursor)| async move {
            let batch = view.lookups.next_batch(&mut cursor).await?;
            if view.taken.elapsed() > LEFTOVER_RETENTION / 2 {
                return Err(StoreError::Unavailable("the rows were read too slowly".to_owned()));
            }
            Ok((!batch.is_empty()).then_some((batch, (view, cursor))))
        });
        Ok(batches.boxed())
    }
}
