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

/// Deliveries allocate often and free on other threads; the system's allocator spent a quarter of their CPU time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use crate::{
    config::{Validate, load, masked},
    context::Context,
    host::{Process, ProcessConfig, ServiceHost, Stop, main},
    tasks::{TaskKind, Tasks},
    telemetry::TraceContext,
};
