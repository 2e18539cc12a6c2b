//! The rights as types, for handler signatures.

use ig_core::access::Right;

/// A right that a handler's signature requires.
pub(crate) trait Needs: Send + Sync + 'static {
    /// The right.
    const RIGHT: Right;
}

/// Reads configuration and logs.
#[derive(Debug)]
pub(crate) enum Read {}

/// Changes configuration, and sends by hand.
#[derive(Debug)]
pub(crate) enum Write {}

/// Pushes events.
#[derive(Debug)]
pub(crate) enum Events {}

/// Calls inbound integrations.
#[derive(Debug)]
pub(crate) enum Runtime {}

impl Needs for Read {
    const RIGHT: Right = Right::Read;
}

impl Needs for Write {
    const RIGHT: Right = Right::Write;
}

impl Needs for Runtime {
    const RIGHT: Right = Right::Runtime;
}

impl Needs for Events {
    const RIGHT: Right = Right::Events;
}
