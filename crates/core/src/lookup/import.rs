//! The words of imports.

use crate::delivery_log::named;

named! {
    /// What an import does with the rows there are.
    ImportMode {
        /// It makes rows, and changes those that a table has already.
        Upsert = "upsert",
        /// It puts its rows in the place of all others of their types.
        Replace = "replace",
    }
}

named! {
    /// Where an import stands.
    ImportStatus {
        /// It is under way.
        Running = "RUNNING",
        /// All of its rows are in force.
        Succeeded = "SUCCEEDED",
        /// It ended before that.
        Failed = "FAILED",
    }
}
