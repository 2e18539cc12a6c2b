//! Sliding-window limits that hold across processes, without a round trip for each request.
//!
//! A window is cut into [`SLICES`] slices. What is stored under a key is how many requests were granted in each of the last
//! `SLICES + 1` slices. A process leases some at once ([`Window::lease`]), and may use them until the slice ends; what it did not use
//! it gives back with its next lease. So every request falls into the slice that granted it, and since any span of one window touches
//! at most `SLICES + 1` slices, whose grants never exceed the limit together, **no window ever sees more than the limit**. The price is
//! that a busy limit turns over once in `SLICES + 1` slices: 97.5 % of it can be used.
//!
//! The stored window survives any process; leased requests of one that dies count as used for one window. Clocks of processes should
//! agree within a slice; one that lags is taken to be in the newest slice that anybody saw.

use std::time::Duration;

use chrono::DateTime;

use crate::clock::Timestamp;
use crate::fault::Faults;

mod meter;
mod port;
#[cfg(test)]
mod tests;

pub use meter::{Meter, Take};
pub use port::{RateWindows, WindowKey, subscriber};

/// How many slices a window has.
pub const SLICES: usize = 40;

const LARGEST_LIMIT: u32 = 10_000_000;
const WINDOWS: std::ops::RangeInclusive<u64> = 1..=86_400;

/// So many requests in any span of so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimit {
    max_requests: u32,
    window: Duration,
}

impl RateLimit {
    /// From 1 to 10,000,000 requests in 1 to 86,400 seconds; faults are found at `/maxRequests` and `/windowSeconds`.
    pub fn new(max_requests: u32, window_seconds: u64) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if !(1..=LARGEST_LIMIT).contains(&max_requests) {
            faults.add("/maxRequests", "must be from 1 to 10000000");
        }
        if !WINDOWS.contains(&window_seconds) {
            faults.add("/windowSeconds", "must be from 1 to 86400");
        }
        faults.into_result(Self {
            max_requests,
            window: Duration::from_secs(window_seconds),
        })
    }

    /// How many requests a window has room for.
    pub fn max_requests(&self) -> u32 {
        self.max_requests
    }

    /// How long a window is.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// How long a slice is: 25 ms for every second of the window.
    fn slice_ms(&self) -> i64 {
        i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX) / SLICES_I64
    }
}

/// The same, for arithmetic with slices' numbers.
const SLICES_I64: i64 = 40;

/// What is stored of one key's window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Rises with every change; a write under an older one is refused.
    pub version: u64,
    /// How long its slices are, in milliseconds; they are begun anew when the limit's window has changed.
    pub slice_ms: i64,
    /// The number of the newest slice since 1970.
    pub newest: i64,
    /// What was granted in each of the last `SLICES + 1` slices, oldest first.
    pub granted: Vec<u32>,
}

/// What a process asks of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// How many requests it would like to send before the slice ends, at least one.
    pub wanted: u32,
    /// What it did not use of an earlier grant.
    pub unused: Option<Unused>,
}

/// What was granted and not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// The slice that it was granted in.
    pub slice: i64,
    /// How many requests.
    pub requests: u32,
}

/// What a process was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many requests it may send, none where the window is full.
    pub requests: u32,
    /// The slice that they were granted in.
    pub slice: i64,
    /// Until when they may be sent.
    pub valid_until: Timestamp,
    /// How many more the window has room for now.
    pub remaining: u32,
    /// When a full window has room again.
    pub free_at: Timestamp,
}

impl Window {
    /// Grants as much of what is asked as there is room for, and the window to be stored then: under the condition that its version is
    /// still the one that was read. Nothing is to be stored where nothing has changed.
    pub fn lease(&self, limit: &RateLimit, ask: Ask, now: Timestamp) -> (Grant, Option<Self>) {
        let mut next = self.at(limit, now);
        next.take_back(ask.unused);
        let room = limit.max_requests.saturating_sub(next.total());
        let requests = ask.wanted.min(room);
        if let Some(newest) = next.granted.last_mut() {
            *newest += requests;
        }
        let grant = Grant {
            requests,
            slice: next.newest,
            valid_until: next.start_of(next.newest + 1),
            remaining: room - requests,
            free_at: next.free_at(),
        };
        let changed = requests > 0 || ask.unused.is_some();
        (grant, changed.then_some(next))
    }

    /// When the next request has room, without asking for it: `now` where it has room already.
    pub fn wait_until(&self, limit: &RateLimit, now: Timestamp) -> Timestamp {
        let current = self.at(limit, now);
        if current.total() < limit.max_requests {
            return now;
        }
        current.free_at().max(now)
    }

    /// From when on the stored window says nothing any more.
    pub fn spent_at(&self) -> Timestamp {
        self.start_of(self.newest + SLICES_I64 + 1)
    }

    /// The window as of a moment: what has left it is forgotten.
    fn at(&self, limit: &RateLimit, now: Timestamp) -> Self {
        let slice_ms = limit.slice_ms();
        let present = now.timestamp_millis().div_euclid(slice_ms);
        let version = self.version + 1;
        if self.granted.len() != SLICES + 1 || self.slice_ms != slice_ms {
            return self.cut_anew(version, slice_ms, present, now);
        }
        let newest = present.max(self.newest);
        let passed = usize::try_from(newest - self.newest).unwrap_or(usize::MAX).min(SLICES + 1);
        let mut granted = self.granted[passed..].to_vec();
        granted.resize(SLICES + 1, 0);
        Self {
            version,
            slice_ms,
            newest,
            granted,
        }
    }

    /// Another length of slices: all that is still within the old window counts as granted just now.
    fn cut_anew(&self, version: u64, slice_ms: i64, present: i64, now: Timestamp) -> Self {
        let mut granted = vec![0; SLICES + 1];
        if self.slice_ms > 0 && now < self.spent_at() {
            granted[SLICES] = self.total();
        }
        Self {
            version,
            slice_ms,
            newest: present,
            granted,
        }
    }

    fn take_back(&mut self, unused: Option<Unused>) {
        let Some(unused) = unused else { return };
        let age = usize::try_from(self.newest - unused.slice).ok();
        let place = age.and_then(|age| SLICES.checked_sub(age));
        if let Some(granted) = place.and_then(|place| self.granted.get_mut(place)) {
            *granted = granted.saturating_sub(unused.requests);
        }
    }

    fn total(&self) -> u32 {
        self.granted.iter().fold(0, |sum, granted| sum.saturating_add(*granted))
    }

    /// When the oldest grants leave the window.
    fn free_at(&self) -> Timestamp {
        let oldest = self.granted.iter().position(|granted| *granted > 0).unwrap_or(0);
        let oldest = i64::try_from(oldest).unwrap_or(SLICES_I64);
        self.start_of(self.newest + oldest + 1)
    }

    fn start_of(&self, slice: i64) -> Timestamp {
        let start = slice.checked_mul(self.slice_ms).and_then(DateTime::from_timestamp_millis);
        start.unwrap_or(Timestamp::MAX_UTC)
    }
}
