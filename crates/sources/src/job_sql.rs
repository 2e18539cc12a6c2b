//! SQL data sources of scheduled jobs: one `SELECT` over the allowed tables of a named connection.
//!
//! Three locks, each of which holds alone against most of what can go wrong:
//!
//! - [`CheckedQuery`] parses the author's text, refuses whatever it does not know, and writes the query anew. Every table is replaced by
//!   its rows of the tenant; variables and unusual texts are parameters.
//! - [`SqlConnection::fetch`] runs it in a read-only transaction on a connection of its own, with limits of rows, bytes and time, and ends
//!   it on the server when it is stopped.
//! - [`SqlConnection::check_rights`] refuses a user that may do more than read.

mod bounded_parser;
mod checked_query;
mod connection;
mod cte_scopes;
mod fetch;
mod function_list;
mod grants;
mod guard;
mod marked_text;
mod record;
mod refusal;
mod second_reading;
mod sql_error;
mod sql_value;
mod sql_writer;
mod table_policy;

pub use checked_query::{BoundQuery, CheckedQuery, Parameter};
pub use connection::SqlConnection;
pub use fetch::{Completeness, Excess, FetchLimits, Fetched};
pub use grants::RightsFault;
pub use sql_error::SqlError;
