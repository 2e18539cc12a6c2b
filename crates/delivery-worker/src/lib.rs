#![doc = include_str!("../README.md")]

mod alerting;
mod announcing;
mod checkpoints;
mod compiled;
mod config;
mod courier;
mod decided;
mod dispatch;
mod event_trace;
mod forgetting;
mod gate;
mod gauges;
mod grpc;
mod intake;
mod judging;
mod lanes;
mod maker;
mod metrics;
mod names;
mod orders;
mod partitions;
mod planner;
mod protocol;
mod reader;
mod recall;
mod recorder;
mod retention;
mod run;
mod source_watch;
mod stride;
mod taken;
mod tenure;
mod tracker;
mod transforming;
mod watch;

pub use config::{Config, WorkerConfig};
pub use run::run;

/// What this process is called.
pub const PROCESS: ig_service::Process = ig_service::Process {
    name: "delivery-worker",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};
