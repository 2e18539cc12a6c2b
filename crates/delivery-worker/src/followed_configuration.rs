//! What of the streamed configuration the worker uses.

use std::sync::Arc;

use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_peers::FollowedConfiguration;
use ig_transform::LookupCache;

use crate::live_configuration::LiveConfiguration;

/// The live configuration, and the lookup rows that are cached beside it.
pub(crate) struct WorkerConfiguration {
    pub(crate) live: Arc<LiveConfiguration>,
    pub(crate) lookups: Arc<LookupCache>,
}

impl FollowedConfiguration for WorkerConfiguration {
    fn revision(&self) -> u64 {
        self.live.revision()
    }

    fn uses(&self, _: &Change) -> bool {
        true
    }

    /// A snapshot does not say which lookup rows changed before it.
    fn replace(&self, configuration: Configuration) {
        self.lookups.invalidate_all();
        self.live.replace(configuration);
    }

    fn apply(&self, changes: Vec<RevisedChange>) {
        for revised in &changes {
            match &revised.change {
                Change::LookupsChanged(org, lookup_type) => self.lookups.invalidate(*org, Some(lookup_type)),
                Change::DeleteOrganization(org) => self.lookups.invalidate(*org, None),
                _ => {}
            }
        }
        self.live.apply(changes);
    }

    fn reach(&self, revision: u64) {
        self.live.reach(revision);
    }
}
