//! The rights as types, for handler signatures.

use ig_core::access::Right;

/// A right that a handler's signature requires.
pub(crate) trait RequiredRight: Send + Sync + 'static {
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

impl RequiredRight for Read {
    const RIGHT: Right = Right::Read;
}

impl RequiredRight for Write {
    const RIGHT: Right = Right::Write;
}

impl RequiredRight for Runtime {
    const RIGHT: Right = Right::Runtime;
}

impl RequiredRight for Events {
    const RIGHT: Right = Right::Events;
}
