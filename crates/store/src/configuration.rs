//! The only way to change configuration, and the two ways to follow it: a snapshot, and the changes since.
//!
//! A commit is one transaction. It raises the revision, writes the document with that revision, and records the
//! document's key in `config_changes`, its new content in `config_versions` and the actor in `audit_logs`. Every commit
//! writes the same counter, so two commits cannot overlap: revisions follow the order of commits without a gap, and
//! what a commit checked still holds when it completes.

mod changes;
mod commit;
mod configured;
mod expected;
pub(crate) mod format;
mod history;
mod item;
mod kinds;
mod log;
pub(crate) mod rewrite;
mod secrets;
mod size;
mod snapshot;
mod stored_document;
mod switch;

use ig_core::access::Actor;
use ig_core::ports::StoreError;
use mongodb::bson::doc;
use serde::Deserialize;

pub use configured::{Configured, SearchFilter};
pub use expected::{CommitError, Expected};
pub use secrets::SecretsTally;
pub use snapshot::Items;
pub use stored_document::StoredDocument;
pub(crate) use stored_document::{ItemSealer, integration_id, serialized};

use crate::database::Database;
use crate::field::unsigned;
use crate::names::COUNTERS;

/// How many changes are kept for followers that resume.
pub const KEPT_CHANGES: u64 = 100_000;

pub(crate) const REVISION: &str = "configuration";

/// The configuration of all tenants as one value with revisions.
#[derive(Debug, Clone)]
pub struct Configurations {
    database: Database,
    author: Actor,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Counter {
    pub(crate) value: i64,
}

impl Configurations {
    pub(crate) fn new(database: Database) -> Self {
        let author = Actor::system("platform");
        Self { database, author }
    }

    /// The same repository, for changes by this actor: history and audit log name it.
    #[must_use]
    pub fn on_behalf_of(self, author: &Actor) -> Self {
        let author = author.clone();
        Self { author, ..self }
    }

    /// The revision of the last commit; 0 before the first.
    pub async fn revision(&self) -> Result<u64, StoreError> {
        let counters = self.database.collection::<Counter>(COUNTERS);
        let counter = self.database.within(counters.find_one(doc! { "_id": REVISION })).await?;
        Ok(counter.map_or(0, |counter| unsigned(counter.value)))
    }
}
