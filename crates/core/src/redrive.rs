//! Dead letters tried again in bulk: a stored operation that outlives whoever carries it out.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{IntegrationId, OrgId, RedriveId};
use crate::outcome::ErrorCategory;

named! {
    /// Where a redrive stands.
    RedriveState {
        /// Under way.
        Running = "RUNNING",
        /// Every dead letter had its turn.
        Completed = "COMPLETED",
        /// Stopped by a person; what it has done stays done.
        Cancelled = "CANCELLED",
    }
}

/// Which dead letters are redriven; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedriveFilter {
    /// What they are for.
    pub integration_id: Option<IntegrationId>,
    /// The class of their last failure.
    pub category: Option<ErrorCategory>,
    /// Made at this moment or later.
    pub from: Option<Timestamp>,
    /// Made before this moment.
    pub until: Option<Timestamp>,
}

/// A wish to redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedriveOrder {
    /// The tenant.
    pub org_id: OrgId,
    /// Which dead letters.
    pub filter: RedriveFilter,
}

/// Names a redrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedriveKey {
    /// The tenant.
    pub org_id: OrgId,
    /// Which one.
    pub id: RedriveId,
}

/// How far a redrive is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedriveProgress {
    /// How many dead letters it was estimated to cover when it began.
    pub estimated: u64,
    /// How many were delivered.
    pub delivered: u64,
    /// How many failed again.
    pub failed: u64,
    /// How many have not had their turn.
    pub waiting: u64,
}

/// A redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// Its name.
    pub key: RedriveKey,
    /// Which dead letters it covers, of those that were there when it began.
    pub filter: RedriveFilter,
    /// Where it stands.
    pub state: RedriveState,
    /// How far it is.
    pub progress: RedriveProgress,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was completed or cancelled.
    pub ended_at: Option<Timestamp>,
}
