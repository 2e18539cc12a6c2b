//! Rewriting configuration that an earlier version stored, items and history, in the current format.
//!
//! Each document is rewritten on its own, provided that it has not changed since it was read, and a document of an earlier
//! format can be read all the same. The pass may therefore stop anywhere and run in several processes at once.

use futures::TryStreamExt as _;
use ig_core::history::ItemKind;
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, Document, doc};

use super::Counter;
use super::format::{self, FORMAT};
use super::kinds::{kind_in, rewritten};
use crate::database::Database;
use crate::error::unreadable;
use crate::names::{CONFIG_VERSIONS, COUNTERS, EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS, TEMPLATES};
use crate::secret_sealer::SecretSealer;
use crate::stored::Stored;

/// Documents rewritten concurrently; the server then makes their writes durable together.
const CONCURRENCY: usize = 16;

/// The counter whose value is the format of all configuration.
const CONFIGURATION_FORMAT: &str = "configurationFormat";

const TARGETS: [RewriteTarget; 6] = [
    RewriteTarget::items(ORGANIZATIONS),
    RewriteTarget::items(ORG_UNITS),
    RewriteTarget::items(EVENT_TYPES),
    RewriteTarget::items(TEMPLATES),
    RewriteTarget::items(INTEGRATIONS),
    RewriteTarget {
        collection: CONFIG_VERSIONS,
        field: Some("document"),
    },
];

/// Where documents of configuration are.
#[derive(Debug, Clone, Copy)]
struct RewriteTarget {
    collection: &'static str,
    /// The field that holds the document; `None` if it is the whole.
    field: Option<&'static str>,
}

/// Rewrites what is of an earlier format, unless a pass has done so already. Sealing needs keys, so a process without keys
/// leaves it to one that has some.
pub(crate) async fn run(database: &Database) -> Result<(), StoreError> {
    if database.secrets().key_ids().next().is_none() || is_done(database).await? {
        return Ok(());
    }
    let mut left = 0;
    for target in TARGETS {
        left += target.rewrite(database).await?;
    }
    if left > 0 {
        tracing::warn!(
            documents = left,
            "configuration of an earlier version is not rewritten yet; it is read as before, and the next start tries again"
        );
        return Ok(());
    }
    let counters = database.collection::<Document>(COUNTERS);
    let done = counters
        .update_one(
            doc! { "_id": CONFIGURATION_FORMAT },
            doc! { "$set": { "value": i64::from(FORMAT) } },
        )
        .upsert(true);
    database.within(done).await.map(drop)
}

async fn is_done(database: &Database) -> Result<bool, StoreError> {
    let counters = database.collection::<Counter>(COUNTERS);
    let found = database
        .within(counters.find_one(doc! { "_id": CONFIGURATION_FORMAT }))
        .await?;
    Ok(found.is_some_and(|counter| counter.value >= i64::from(FORMAT)))
}

impl RewriteTarget {
    const fn items(collection: &'static str) -> Self {
        Self { collection, field: None }
    }

    /// Rewrites all documents here, and returns how many are left: those that cannot be read, and those that changed meanwhile.
    async fn rewrite(self, database: &Database) -> Result<u64, StoreError> {
        let documents = database.collection::<Document>(self.collection);
        let mut earlier = Document::new();
        earlier.insert(self.path("format"), doc! { "$exists": false });
        if let Some(field) = self.field {
            earlier.insert(field, doc! { "$ne": Bson::Null });
        }
        let cursor = database.within(documents.find(earlier)).await?;
        cursor
            .map_err(|error| crate::error::store_error(&error))
            .map_ok(|Stored(stored)| self.rewrite_one(database, stored))
            .try_buffer_unordered(CONCURRENCY)
            .try_fold(0, async |left, is_rewritten| Ok(left + u64::from(!is_rewritten)))
            .await
    }

    async fn rewrite_one(self, database: &Database, stored: Document) -> Result<bool, StoreError> {
        let id = stored.get("_id").cloned();
        let (mut unchanged, change) = match self.rewritten(&stored, database.secrets()) {
            Ok(Some(rewritten)) => rewritten,
            Ok(None) => return Ok(true),
            Err(error) => {
                tracing::warn!(collection = self.collection, ?id, %error, "a document of an earlier version cannot be rewritten");
                return Ok(false);
            }
        };
        unchanged.insert("_id", id);
        let documents = database.collection::<Document>(self.collection);
        let updated = match self.field {
            Some(field) => {
                let update = documents.update_one(unchanged, doc! { "$set": { field: change } });
                database.within(update).await?
            }
            None => database.within(documents.replace_one(unchanged, change)).await?,
        };
        Ok(updated.matched_count > 0)
    }

    /// A filter that matches as long as the document is as it was read, and the document in the current format.
    fn rewritten(self, stored: &Document, secrets: &SecretSealer) -> Result<Option<(Document, Document)>, StoreError> {
        let (kind, content) = match self.field {
            None => (kind_in(self.collection, stored)?, stored),
            Some(field) => {
                let Ok(content) = stored.get_document(field) else {
                    return Ok(None);
                };
                let kind = stored.get_str("kind").ok().and_then(ItemKind::parse);
                (kind.ok_or_else(|| unreadable("kind"))?, content)
            }
        };
        if format::of(content) >= FORMAT {
            return Ok(None);
        }
        let mut unchanged = doc! { self.path("format"): { "$exists": false } };
        unchanged.insert(self.path("revision"), content.get("revision").cloned());
        Ok(Some((unchanged, rewritten(kind, content.clone(), secrets)?)))
    }

    fn path(self, name: &str) -> String {
        self.field.map_or_else(|| name.to_owned(), |field| format!("{field}.{name}"))
    }
}
