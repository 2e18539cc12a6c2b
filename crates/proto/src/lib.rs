#![doc = include_str!("../README.md")]

mod alert;
mod change;
mod delivery_command;
mod dlq;
mod event_type;
mod inbound;
mod integration;
mod invalid;
mod job;
mod json;
mod organization;
mod scheduler;
mod services;
mod status;
mod template;
mod time;

pub use invalid::InvalidMessage;
pub use services::{SECTIONS, ServiceAddresses};
pub use status::{CommandRefusal, kind_of, not_served, status};

/// The maximum size of an encoded delivery command in bytes: the largest accepted payload plus the fields around it.
pub const MAX_COMMAND_BYTES: usize = 32 * 1024 * 1024;

/// The generated messages, clients and servers of `ig.v1`.
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated from proto/ig/v1, where the documentation is"
)]
pub mod v1 {
    tonic::include_proto!("ig.v1");
}

/// The encoded contracts, for the reflection service.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
