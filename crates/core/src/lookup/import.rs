//! Imports of lookup rows.

use crate::delivery_log::named;

named! {
    /// What an import does with existing rows.
    ImportMode {
        /// It creates rows, and updates those that a table already has.
        Upsert = "upsert",
        /// It replaces all rows of its types.
        Replace = "replace",
    }
}

named! {
    /// The status of an import.
    ImportStatus {
        /// It is under way.
        Running = "RUNNING",
        /// All of its rows are in force.
        Succeeded = "SUCCEEDED",
        /// It ended before all rows were in force.
        Failed = "FAILED",
    }
}
