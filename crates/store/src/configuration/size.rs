//! How much is configured, in bytes: in one item, and in all of an organisation.
//!
//! An organisation's sum is kept beside its items and follows each commit. Switches and rotations change an item by a few bytes and are not
//! followed, so nothing is refused before the items themselves were summed up.

use futures::TryStreamExt as _;
use ig_core::configuration::{LARGEST_ITEM, LARGEST_ORGANIZATION};
use ig_core::id::OrgId;
use mongodb::ClientSession;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::log::Subject;
use super::{CommitError, Configurations};
use crate::field::long;
use crate::names::{CONFIG_SIZES, EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS, TEMPLATES};
use crate::stored::Stored;

#[derive(Debug, Deserialize)]
struct Sum {
    bytes: i64,
}

/// How many bytes an item takes; one that takes too many is refused.
pub(super) fn size_of(document: &Document) -> Result<usize> {
    let bytes = RawDocumentBuf::try_from(document).map_err(Error::from)?.as_bytes().len();
    if bytes > LARGEST_ITEM {
        return Err(Error::custom(CommitError::TooLarge { bytes }));
    }
    Ok(bytes)
}

impl Configurations {
    /// Adds an item's change of size to its organisation's sum, once the item is written; what makes the sum grow beyond its bound is refused.
    pub(super) async fn weigh(&self, session: &mut ClientSession, subject: &Subject, before: usize, after: usize) -> Result<()> {
        let org = subject.org();
        let sums = self.database.collection::<Sum>(CONFIG_SIZES);
        if matches!(subject, Subject::Organization(_)) && after == 0 {
            sums.delete_one(doc! { "_id": org.0 }).session(session).await?;
            return Ok(());
        }
        let by = long(after as u64) - long(before as u64);
        let added = sums
            .find_one_and_update(doc! { "_id": org.0 }, doc! { "$inc": { "bytes": by } })
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await?;
        let is_within = added.is_some_and(|Stored(sum)| sum.bytes <= long(LARGEST_ORGANIZATION as u64));
        if is_within || after <= before {
            return Ok(());
        }
        let bytes = self.summed(session, org).await?;
        if bytes > LARGEST_ORGANIZATION {
            return Err(Error::custom(CommitError::Full));
        }
        let sum = doc! { "$set": { "bytes": long(bytes as u64) } };
        sums.update_one(doc! { "_id": org.0 }, sum)
            .upsert(true)
            .session(session)
            .await?;
        Ok(())
    }

    /// What an organisation's items take together, counted no further than the bound.
    async fn summed(&self, session: &mut ClientSession, org: OrgId) -> Result<usize> {
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
                if bytes > LARGEST_ORGANIZATION {
                    return Ok(bytes);
                }
            }
        }
        Ok(bytes)
    }
}
