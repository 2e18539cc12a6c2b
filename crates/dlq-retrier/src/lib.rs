#![doc = include_str!("../README.md")]

mod alert_loop;
mod config;
mod grpc;
mod metrics;
mod nudge;
mod policy_cache;
mod redrive_loop;
mod retry_executor;
mod retry_limiter;
mod retry_loop;
mod retry_sender;
mod run;

pub use config::{Config, DlqConfig};
pub use run::run;

/// The identity of this process.
pub const PROCESS: ig_service::Process = ig_service::Process {
    name: "dlq-retrier",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};
