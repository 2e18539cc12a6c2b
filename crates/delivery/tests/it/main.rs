//! The crate against real receivers.
