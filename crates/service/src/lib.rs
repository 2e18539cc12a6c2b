#![doc = include_str!("../README.md")]

pub mod admin;
pub mod child;
pub mod config;
pub mod context;
mod dependency;
pub mod grpc;
pub mod host;
pub mod liveness;
pub mod readiness;
pub mod tasks;
pub mod telemetry;

pub use crate::{
    config::{Validate, load, masked},
    context::Context,
    host::{Host, Process, ProcessConfig, Stop, main},
    tasks::{Fate, Tasks},
    telemetry::TraceContext,
};
