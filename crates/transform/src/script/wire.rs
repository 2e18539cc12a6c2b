//! What service and worker say to each other: frames of a JSON head and a body of bytes.
//!
//! A frame is two lengths (head and body, 32 bits each, little-endian) and then both. The body carries what is large and is
//! JSON or source already, so that it is never encoded again.

mod frame;
mod message;

pub(crate) use frame::{Header, decode, encode};
pub(crate) use message::{Ended, Failure, Reply, Request, RunHead};
