#![doc = include_str!("../README.md")]

pub mod config;
mod job_mongo;
pub mod job_sql;
pub mod metrics;
pub mod mysql;
pub mod push;
pub mod registry;

pub use config::{ConfigFault, MySqlConfig, PushConfig, SourcesConfig, Start, TimeZone};
pub use job_mongo::{AddressGuard, ExternalMongo, ExternalQuery, GuardRefusal, check_connection};
pub use job_sql::{
    BoundQuery, CheckedQuery, Completeness, Excess, FetchLimits, Fetched, Parameter, RightsFault, SqlConnection, SqlError,
};
pub use mysql::MySqlSource;
pub use push::PushSource;
pub use registry::{RegisteredSource, SourceDependencies, open};
