//! The timeouts of a proxied call.

use std::time::Duration;

use crate::fault::Faults;

const MIN_TIMEOUT: Duration = Duration::from_millis(100);
const MAX_TIMEOUT: Duration = Duration::from_hours(1);

/// The timeouts of a call, each from 100 ms to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyTimeouts {
    /// Until the connection to the target is established.
    pub connect: Duration,
    /// From the end of the request to the first byte of the response.
    pub first_byte: Duration,
    /// Between two chunks of a body, in either direction.
    pub idle: Duration,
    /// Until the target begins to respond, across all attempts; a response that has to be read whole ends within it too.
    pub total: Duration,
}

impl Default for ProxyTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(30),
        }
    }
}

impl ProxyTimeouts {
    /// The same timeouts, if each is within its bounds; faults point at the names that the API uses.
    pub fn checked(self) -> Result<Self, Faults> {
        let Self {
            connect,
            first_byte,
            idle,
            total,
        } = self;
        let mut faults = Faults::default();
        let times = [
            ("/connectMs", connect),
            ("/firstByteMs", first_byte),
            ("/idleMs", idle),
            ("/totalMs", total),
        ];
        for (place, time) in times {
            if !(MIN_TIMEOUT..=MAX_TIMEOUT).contains(&time) {
                faults.add(place, "must be from 100 to 3,600,000");
            }
        }
        faults.into_result(self)
    }
}
