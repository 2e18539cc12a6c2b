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

/// Deliveries allocate much and free it on other threads; with the system's allocator that was a quarter of their CPU time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use crate::{
    config::{Validate, load, masked},
    context::Context,
    host::{Host, Process, ProcessConfig, Stop, main},
    tasks::{Fate, Tasks},
    telemetry::TraceContext,
};
