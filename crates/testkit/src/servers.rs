//! Database servers: the shared ones of a test run, and private ones that a test may kill.

use std::env;

mod mariadb;
mod mongo;
mod process;

pub use mariadb::Mariadb;
pub use mongo::Mongo;

/// The value of a variable with a server's address.
pub(crate) fn required(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: this test needs real databases. Run `deploy/local/with-databases -- cargo nextest run …`.")
    })
}
