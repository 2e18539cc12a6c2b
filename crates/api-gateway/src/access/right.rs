//! The rights as types, for the signatures of handlers.

use ig_core::access::Right;

/// A right that a handler's signature names.
pub(crate) trait Needs: Send + Sync + 'static {
    /// The right.
    const RIGHT: Right;
}

/// To look at configuration and logs.
#[derive(Debug)]
pub(crate) enum Read {}

/// To change configuration, and to send by hand.
#[derive(Debug)]
pub(crate) enum Write {}

/// To push events.
#[derive(Debug)]
pub(crate) enum Events {}

/// To call inbound integrations.
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
