//! A process's share of a window: what it has leased and not yet used.

use super::{Grant, LeaseRequest, RateLimit, UnusedGrant};
use crate::clock::Timestamp;

/// What to do with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeResult {
    /// Send it.
    Taken,
    /// Ask the stored window, pass the answer to [`Meter::granted`], and take again. Only one caller asks; others wait for its
    /// answer.
    NeedsLease(LeaseRequest),
    /// Refuse it: the window is full.
    Full {
        /// When it has room again.
        until: Timestamp,
    },
}

/// The requests that one process has leased of one key's window. It asks for more after running out early, and for less after
/// leaving some unused.
#[derive(Debug, Clone)]
pub struct Meter {
    limit: RateLimit,
    leased: u32,
    grant: Option<Grant>,
    wanted: u32,
}

impl Meter {
    /// A meter without a lease.
    pub fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            leased: 0,
            grant: None,
            wanted: 1,
        }
    }

    /// Its limit; another limit needs another meter.
    pub fn limit(&self) -> &RateLimit {
        &self.limit
    }

    /// Takes one request, or returns what to do first.
    pub fn take(&mut self, now: Timestamp) -> TakeResult {
        let Some(grant) = self.grant else {
            return self.request_lease(None);
        };
        let usable = now < grant.valid_until;
        if usable && self.leased > 0 {
            self.leased -= 1;
            return TakeResult::Taken;
        }
        if self.leased == 0 && grant.remaining == 0 && now < grant.free_at {
            return TakeResult::Full { until: grant.free_at };
        }
        let unused = UnusedGrant {
            slice: grant.slice,
            requests: self.leased,
        };
        self.request_lease((self.leased > 0).then_some(unused))
    }

    /// Records the answer of the stored window.
    pub fn granted(&mut self, grant: Grant) {
        self.leased = grant.requests;
        self.grant = Some(grant);
    }

    /// How many requests there is room for, as far as this process knows.
    pub fn remaining(&self) -> u32 {
        self.leased + self.grant.map_or(self.limit.max_requests(), |grant| grant.remaining)
    }

    /// When there is more room, as far as this process knows.
    pub fn free_at(&self) -> Option<Timestamp> {
        self.grant.map(|grant| grant.free_at)
    }

    fn request_lease(&mut self, unused: Option<UnusedGrant>) -> TakeResult {
        self.wanted = match (unused, self.grant) {
            (Some(unused), Some(grant)) => (grant.requests - unused.requests.min(grant.requests)).max(1),
            (None, Some(grant)) if grant.requests > 0 => self.wanted.saturating_mul(2).min(self.max_lease()),
            _ => self.wanted,
        };
        TakeResult::NeedsLease(LeaseRequest {
            wanted: self.wanted,
            unused,
        })
    }

    /// A quarter of the limit, so that other processes get a share too.
    fn max_lease(&self) -> u32 {
        self.limit.max_requests().div_ceil(4)
    }
}
