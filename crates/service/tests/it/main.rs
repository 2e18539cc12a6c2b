//! Tests of the crate's public interface.

mod child;
mod collector;
mod config;
mod exit;
mod export;
mod fixture;
mod grpc;
mod health;
mod tasks;
mod tls;
mod trace;
