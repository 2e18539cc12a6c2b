//! Sliding-window rate limits that hold across processes, without a round trip for each request.
//!
//! A window is cut into [`SLICES`] slices. The stored value of a key holds the number of requests granted in each of the last
//! `SLICES + 1` slices. A process leases several at once ([`Window::lease`]) and may use them until the slice ends; it returns
//! unused ones with its next lease. So every request falls into the slice that granted it, and since any span of one window
//! touches at most `SLICES + 1` slices, whose grants never exceed the limit together, **no window ever sees more than the
//! limit**. The price is that a busy limit turns over once in `SLICES + 1` slices: 97.5 % of it can be used.
//!
//! The stored window survives any process; requests leased by a process that dies count as used for one window. Clocks should
//! agree within a slice; a process whose clock lags is taken to be in the newest slice on record.

use std::time::Duration;

use chrono::DateTime;

use crate::clock::Timestamp;
use crate::fault::Faults;

mod meter;
mod port;
#[cfg(test)]
mod tests;

pub use meter::{Meter, TakeResult};
pub use port::{RateWindows, WindowKey, subscriber_of};

/// The number of slices in a window.
pub const SLICES: usize = 40;

const MAX_REQUESTS: u32 = 10_000_000;
const WINDOW_SECONDS: std::ops::RangeInclusive<u64> = 1..=86_400;

/// A limit of requests in any span of the window's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimit {
    max_requests: u32,
    window: Duration,
}

impl RateLimit {
    /// From 1 to 10,000,000 requests in 1 to 86,400 seconds; faults point at `/maxRequests` and `/windowSeconds`.
    pub fn new(max_requests: u32, window_seconds: u64) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if !(1..=MAX_REQUESTS).contains(&max_requests) {
            faults.add("/maxRequests", "must be from 1 to 10000000");
        }
        if !WINDOW_SECONDS.contains(&window_seconds) {
            faults.add("/windowSeconds", "must be from 1 to 86400");
        }
        faults.into_result(Self {
            max_requests,
            window: Duration::from_secs(window_seconds),
        })
    }

    /// The number of requests that a window allows.
    pub fn max_requests(&self) -> u32 {
        self.max_requests
    }

    /// The length of the window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The length of a slice: 25 ms for every second of the window.
    fn slice_ms(&self) -> i64 {
        i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX) / SLICES_I64
    }
}

/// [`SLICES`] as a signed number, for arithmetic with slice numbers.
const SLICES_I64: i64 = 40;

/// The stored window of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Rises with every change; a write under an older one is refused.
    pub version: u64,
    /// The length of its slices in milliseconds; they restart when the limit's window changes.
    pub slice_ms: i64,
    /// The number of the newest slice since 1970.
    pub newest: i64,
    /// The number of requests granted in each of the last `SLICES + 1` slices, oldest first.
    pub granted: Vec<u32>,
}

/// A process's request for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// How many requests it would like to send before the slice ends, at least one.
    pub wanted: u32,
    /// The unused part of an earlier grant.
    pub unused: Option<UnusedGrant>,
}

/// The unused part of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedGrant {
    /// The slice of the grant.
    pub slice: i64,
    /// The number of requests.
    pub requests: u32,
}

/// A lease of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many requests the process may send; 0 where the window is full.
    pub requests: u32,
    /// The slice of the grant.
    pub slice: i64,
    /// When the grant expires.
    pub valid_until: Timestamp,
    /// How many further requests the window allows now.
    pub remaining: u32,
    /// When a full window has room again.
    pub free_at: Timestamp,
}

impl Window {
    /// Grants as much of the request as there is room for. Returns the window to store, under the condition that its version is
    /// still the one that was read; `None` where nothing changed.
    pub fn lease(&self, limit: &RateLimit, request: LeaseRequest, now: Timestamp) -> (Grant, Option<Self>) {
        let mut next = self.at(limit, now);
        next.return_unused(request.unused);
        let room = limit.max_requests.saturating_sub(next.total());
        let requests = request.wanted.min(room);
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
        let changed = requests > 0 || request.unused.is_some();
        (grant, changed.then_some(next))
    }

    /// When the next request has room, without a lease: `now` where there is room already.
    pub fn wait_until(&self, limit: &RateLimit, now: Timestamp) -> Timestamp {
        let current = self.at(limit, now);
        if current.total() < limit.max_requests {
            return now;
        }
        current.free_at().max(now)
    }

    /// When the stored window stops having any effect.
    pub fn expires_at(&self) -> Timestamp {
        self.start_of(self.newest + SLICES_I64 + 1)
    }

    /// The window as of a moment, without slices that have left it.
    fn at(&self, limit: &RateLimit, now: Timestamp) -> Self {
        let slice_ms = limit.slice_ms();
        let present = now.timestamp_millis().div_euclid(slice_ms);
        let version = self.version + 1;
        if self.granted.len() != SLICES + 1 || self.slice_ms != slice_ms {
            return self.with_new_slices(version, slice_ms, present, now);
        }
        let newest = present.max(self.newest);
        let elapsed = usize::try_from(newest - self.newest).unwrap_or(usize::MAX).min(SLICES + 1);
        let mut granted = self.granted[elapsed..].to_vec();
        granted.resize(SLICES + 1, 0);
        Self {
            version,
            slice_ms,
            newest,
            granted,
        }
    }

    /// Changes the length of slices: everything still within the old window counts as granted just now.
    fn with_new_slices(&self, version: u64, slice_ms: i64, present: i64, now: Timestamp) -> Self {
        let mut granted = vec![0; SLICES + 1];
        if self.slice_ms > 0 && now < self.expires_at() {
            granted[SLICES] = self.total();
        }
        Self {
            version,
            slice_ms,
            newest: present,
            granted,
        }
    }

    fn return_unused(&mut self, unused: Option<UnusedGrant>) {
        let Some(unused) = unused else { return };
        let age = usize::try_from(self.newest - unused.slice).ok();
        let index = age.and_then(|age| SLICES.checked_sub(age));
        if let Some(granted) = index.and_then(|index| self.granted.get_mut(index)) {
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
