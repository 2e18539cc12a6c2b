//! The crate against real receivers, kind and hostile.

mod auth;
mod classification;
mod egress;
mod hostile;
mod pooling;
mod raw;
mod receiver;
mod setting;
mod signing;
mod tls;
mod tokens;
