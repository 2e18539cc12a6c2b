//! Lookup rows, in tables that are replaced in one write.
//!
//! A table is the rows of one type that are the organisation's own, or one unit's. Its rows carry a generation, and
//! `lookup_tables` says which generation of each table is in force. To replace a table is to write another generation beside
//! it and then to change that one word, so readers see the old rows or the new ones and never a part of either. A generation
//! that is out of force, or never came into force, is left behind and swept later than any read that began before can last.
//!
//! What changes rows notes it in the log of configuration, in the same transaction where there is one: whoever remembers
//! what rows map is told as of any other change.

#![expect(clippy::option_option, reason = "a tenant may be named, named as none, or not named at all")]

mod change;
mod document;
mod error;
mod leftovers;
mod merge;
mod plan;
mod read;
mod replace;
mod resolve;
mod statistics;
mod stream;
mod tables;
mod usage;

pub use error::LookupError;
pub use leftovers::Leftovers;
pub use merge::MergingLookups;
pub use plan::Written;
pub use read::LookupFilter;
pub use replace::{Replaced, StagedLookups};
pub use resolve::ReverseKey;
pub use statistics::TypeStatistics;
pub use stream::{LookupRows, LookupView};
pub use usage::LookupUse;

pub(crate) use leftovers::retire;

use crate::database::Database;

/// The lookup rows of all organisations.
#[derive(Debug, Clone)]
pub struct MongoLookups {
    database: Database,
}

impl MongoLookups {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }
}
