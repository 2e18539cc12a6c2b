//! Lookup rows, in tables that are replaced by one write.
//!
//! A table holds the rows of one type that belong to the organisation itself, or to one unit. Its rows carry a
//! generation, and `lookup_tables` names the active generation of each table. Replacing a table means writing another
//! generation beside it and then changing that one value, so readers see either the old rows or the new ones. A
//! generation that was retired, or never became active, is swept later than any read that began before can last.
//!
//! A change to rows is recorded in the configuration's change log, in the same transaction where there is one, so that
//! caches of rows are invalidated like any other configuration.

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
pub use plan::WriteCounts;
pub use read::LookupFilter;
pub use replace::{ReplaceCounts, StagedLookups};
pub use resolve::ReverseKey;
pub use statistics::TypeStatistics;
pub use stream::{LookupRows, LookupView};
pub use usage::LookupUsage;

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
