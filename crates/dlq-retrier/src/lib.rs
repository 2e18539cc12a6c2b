#![doc = include_str!("../README.md")]

mod alerting;
mod config;
mod grpc;
mod metrics;
mod nudge;
mod policies;
mod redriving;
mod retries;
mod retrying;
mod room;
mod run;
mod workers;

pub use config::{Config, DlqConfig};
pub use run::run;

/// What this process is called.
pub const PROCESS: ig_service::Process = ig_service::Process {
    name: "dlq-retrier",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};
