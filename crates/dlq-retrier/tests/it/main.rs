//! The service through its gRPC interface.

mod boot;
mod fakes;
mod fixture;
mod letters;
mod redrives;
mod retries;
