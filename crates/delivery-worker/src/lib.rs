#![doc = include_str!("../README.md")]

mod admitted_event;
mod checkpoints;
mod compiled_integration;
mod config;
mod decided_event;
mod decision_lookup;
mod decision_queues;
mod delivery_commands;
mod delivery_guards;
mod delivery_record;
mod dispatcher;
mod event_trace;
mod executor;
mod followed_configuration;
mod gauges;
mod grpc;
mod intake;
mod lane_worker;
mod lanes;
mod live_configuration;
mod local_lease;
mod metrics;
mod names;
mod notifications;
mod partition_manager;
mod planner;
mod push_cleanup;
mod reader;
mod recorder;
mod retention;
mod run;
mod skip_scan;
mod source_monitor;
mod tracker;
mod transformation;
mod work_scope;

pub use config::{Config, WorkerConfig};
pub use run::run;

/// The name, version and configuration sections of this process.
pub const PROCESS: ig_service::Process = ig_service::Process {
    name: "delivery-worker",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: ig_proto::SECTIONS,
};
