//! The crate against real receivers, kind and hostile.

mod auth;
mod authority;
mod classification;
mod egress;
mod hostile;
mod names;
mod pooling;
mod proxying;
mod raw;
mod receiver;
mod setting;
mod signing;
mod tls;
mod tokens;
