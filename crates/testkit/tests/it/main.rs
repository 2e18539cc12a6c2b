//! The fixtures themselves, on real servers.

mod queue;
mod receiver;
mod servers;
