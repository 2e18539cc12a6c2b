//! The crate against real receivers, friendly and hostile.

mod auth;
mod authority;
mod classification;
mod egress;
mod fixtures;
mod hostile;
mod pooling;
mod proxying;
mod raw;
mod receiver;
mod resolver;
mod signing;
mod tls;
mod tokens;
