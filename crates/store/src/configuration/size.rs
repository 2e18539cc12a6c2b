//! The size of configuration in bytes: of one item, and of all items of an organisation.
//!
//! An organisation's sum is stored beside its items and updated by each commit. Switches and rotations change an item
//! by a few bytes and do not update it, so the items themselves are summed before anything is refused. All commits wait
//! during that, so an organisation that was found full is summed again only after a while, unless it has shrunk.

use std::time::Duration;

use futures::TryStreamExt as _;
use ig_core::configuration::{MAX_ITEM_BYTES, MAX_ORGANIZATION_BYTES};
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::log::Subject;
use super::{CommitError, Configurations};
use crate::field::long;
use crate::names::{CONFIG_SIZES, EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS, TEMPLATES};
use crate::stored::Stored;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SizeDocument {
    bytes: i64,
    /// When its items were last summed and found too large.
    full_at: Option<bson::DateTime>,
}

/// How long an organisation that was found full is not summed again.
const FULL_RECHECK_INTERVAL: Duration = Duration::from_mins(1);

impl SizeDocument {
    fn is_within(&self) -> bool {
        self.bytes <= long(MAX_ORGANIZATION_BYTES as u64)
    }

    fn was_full_lately(&self) -> bool {
        let age = |at: bson::DateTime| bson::DateTime::now().saturating_duration_since(at);
        self.full_at.is_some_and(|at| age(at) < FULL_RECHECK_INTERVAL)
    }
}

/// The size of an item in bytes; refuses one that is too large.
pub(super) fn size_of(document: &Document) -> Result<usize> {
    let bytes = RawDocumentBuf::try_from(document).map_err(Error::from)?.as_bytes().len();
    if bytes > MAX_ITEM_BYTES {
        return Err(Error::custom(CommitError::TooLarge { bytes }));
    }
    Ok(bytes)
}

impl Configurations {
    /// Adds an item's change in size to its organisation's sum, once the item is written; refuses growth beyond the bound.
    pub(super) async fn add_size(
        &self,
        session: &mut ClientSession,
        subject: &Subject,
        before: usize,
        after: usize,
    ) -> Result<()> {
        let org = subject.org();
        let sums = self.database.collection::<SizeDocument>(CONFIG_SIZES);
        if matches!(subject, Subject::Organization(_)) && after == 0 {
            sums.delete_one(doc! { "_id": org.0 }).session(session).await?;
            return Ok(());
        }
        let by = long(after as u64) - long(before as u64);
        let mut change = doc! { "$inc": { "bytes": by } };
        if by < 0 {
            change.insert("$unset", doc! { "fullAt": "" });
        }
        let added = sums
            .find_one_and_update(doc! { "_id": org.0 }, change)
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await?;
        let added = added.map(|Stored(sum)| sum);
        if after <= before || added.as_ref().is_some_and(SizeDocument::is_within) {
            return Ok(());
        }
        if added.is_some_and(|sum| sum.was_full_lately()) {
            return Err(Error::custom(CommitError::Full));
        }
        let bytes = self.sum_items(session, org).await?;
        if bytes > MAX_ORGANIZATION_BYTES {
            return Err(Error::custom(CommitError::Full));
        }
        let sum = doc! { "$set": { "bytes": long(bytes as u64) } };
        sums.update_one(doc! { "_id": org.0 }, sum)
            .upsert(true)
            .session(session)
            .await?;
        Ok(())
    }

    /// Records that an organisation is full, after the transaction that found it was rolled back.
    pub(super) async fn record_full(&self, org: OrgId) -> std::result::Result<(), StoreError> {
        let sums = self.database.collection::<SizeDocument>(CONFIG_SIZES);
        let update = sums.update_one(doc! { "_id": org.0 }, doc! { "$set": { "fullAt": bson::DateTime::now() } });
        self.database.within(update).await.map(|_| ())
    }

    /// The total size of an organisation's items, counted no further than the bound.
    async fn sum_items(&self, session: &mut ClientSession, org: OrgId) -> Result<usize> {
        let mut bytes = 0;
        for (collection, owner) in [
            (ORGANIZATIONS, "_id"),
            (ORG_UNITS, "orgId"),
            (INTEGRATIONS, "orgId"),
            (TEMPLATES, "orgId"),
            (EVENT_TYPES, "orgId"),
        ] {
            let items = self.database.raw_documents(collection);
            let mut cursor = items.find(doc! { owner: org.0 }).session(&mut *session).await?;
            let mut items = cursor.stream(&mut *session);
            while let Some(item) = items.try_next().await? {
                bytes += item.as_bytes().len();
                if bytes > MAX_ORGANIZATION_BYTES {
                    return Ok(bytes);
                }
            }
        }
        Ok(bytes)
    }
}
