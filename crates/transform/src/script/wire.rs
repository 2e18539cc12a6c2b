//! The protocol between service and worker: frames of a JSON head and a body of bytes.
//!
//! A frame is two lengths (head and body, 32 bits each, little-endian), then head and body. The body carries payloads and sources as they
//! are, so that they are not encoded again.

mod frame;
mod message;

pub(crate) use frame::{Header, decode, encode};
pub(crate) use message::{Failure, Request, Response, RunHead, RunReport};
