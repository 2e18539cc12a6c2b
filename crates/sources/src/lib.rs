#![doc = include_str!("../README.md")]

pub mod config;
pub mod metrics;
pub mod mysql;
pub mod push;
pub mod registry;

pub use config::{ConfigFault, MySqlConfig, PushConfig, SourcesConfig, Start, TimeZone};
pub use mysql::MySqlSource;
pub use push::PushSource;
pub use registry::{RegisteredSource, SourceDependencies, open};
