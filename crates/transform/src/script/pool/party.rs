//! Whose share of the workers a call takes.

use std::sync::Arc;

use ig_core::id::OrgId;

use crate::script::call::{Purpose, Script};

/// An organisation in one of its roles: what it tries out takes none of the workers, and earns none of the strikes, of what it lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Party {
    pub(super) org: OrgId,
    pub(super) purpose: Purpose,
}

impl Party {
    /// What an organisation lives on.
    pub(super) fn live(org: OrgId) -> Self {
        let purpose = Purpose::Live;
        Self { org, purpose }
    }

    /// What an organisation tries out.
    pub(super) fn trial(org: OrgId) -> Self {
        let purpose = Purpose::Trial;
        Self { org, purpose }
    }

    /// What identifies its script in workers and in the breaker.
    pub(super) fn key(self, script: &Script) -> Arc<str> {
        let (org, hash) = (self.org, script.hash());
        match self.purpose {
            Purpose::Live => format!("{org}/{hash}").into(),
            Purpose::Trial => format!("trial/{org}/{hash}").into(),
        }
    }

    /// How many of the workers it has at most of those that one tenant may have.
    pub(super) fn share(self, most: usize) -> usize {
        match self.purpose {
            Purpose::Live => most,
            Purpose::Trial => most.div_ceil(2),
        }
    }
}
