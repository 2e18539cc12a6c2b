//! Who may do what.

use crate::delivery_log::named;

named! {
    /// What an API key may be used for.
    KeyScope {
        /// Calling inbound integrations.
        Runtime = "runtime",
        /// Reading configuration and logs.
        Read = "read",
        /// Changing configuration.
        Write = "write",
        /// Pushing events.
        Events = "events",
    }
}
