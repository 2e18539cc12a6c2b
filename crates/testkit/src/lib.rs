#![doc = include_str!("../README.md")]

pub mod builders;
pub mod clock;
pub mod earlier;
pub mod mongo;
pub mod mysql;
pub mod port;
pub mod receiver;
pub mod servers;
pub mod wait;

pub use port::free_port;
pub use wait::{eventually, eventually_within};
