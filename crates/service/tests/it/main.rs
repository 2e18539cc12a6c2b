//! What every process does before and after its job, seen from outside.

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
