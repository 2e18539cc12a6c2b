//! Database servers: those that a run was given, and private ones that a test may kill.

use std::env;

mod mariadb;
mod mongo;
mod process;

pub use mariadb::Mariadb;
pub use mongo::Mongo;

/// The value of a variable that names a server.
pub(crate) fn required(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: this test needs real databases. Run `deploy/local/with-databases -- cargo nextest run …`.")
    })
}
