//! Tests of the fixtures, on real servers.

mod queue;
mod receiver;
mod servers;
