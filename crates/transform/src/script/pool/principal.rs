//! Whose share of the workers a call takes.

use std::sync::Arc;

use ig_core::id::OrgId;

use crate::script::call::{Purpose, Script};

/// An organisation in one of its roles. Its trials take no workers from its live scripts, and cause them no strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Principal {
    pub(super) org: OrgId,
    pub(super) purpose: Purpose,
}

impl Principal {
    /// An organisation's deliveries and calls.
    pub(super) fn live(org: OrgId) -> Self {
        let purpose = Purpose::Live;
        Self { org, purpose }
    }

    /// An organisation's previews and checks.
    pub(super) fn trial(org: OrgId) -> Self {
        let purpose = Purpose::Trial;
        Self { org, purpose }
    }

    /// The key of its script in workers and in the breaker.
    pub(super) fn script_key(self, script: &Script) -> Arc<str> {
        let (org, hash) = (self.org, script.hash());
        match self.purpose {
            Purpose::Live => format!("{org}/{hash}").into(),
            Purpose::Trial => format!("trial/{org}/{hash}").into(),
        }
    }

    /// How many workers it may hold at once, given the limit for one tenant.
    pub(super) fn worker_limit(self, limit_per_tenant: usize) -> usize {
        match self.purpose {
            Purpose::Live => limit_per_tenant,
            Purpose::Trial => limit_per_tenant.div_ceil(2),
        }
    }
}
