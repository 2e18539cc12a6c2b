//! How long the steps of a proxied call may take.

use std::time::Duration;

use crate::fault::Faults;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);

/// The times that a call may take, each from 100 ms to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyTimeouts {
    /// Until there is a connection to the target.
    pub connect: Duration,
    /// From the end of the request to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two parts of a body, in either direction.
    pub idle: Duration,
    /// Until the target begins to answer, all tries together; an answer that has to be read whole before it goes on ends within it too.
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
    /// The same, where every time is within its bounds; faults lie at the names that the API gives them.
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
            if !(SHORTEST..=LONGEST).contains(&time) {
                faults.add(place, "must be from 100 to 3,600,000");
            }
        }
        faults.into_result(self)
    }
}
