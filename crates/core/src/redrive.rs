//! Redrives: bulk retries of dead letters, stored so that they outlive the process that runs them.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::{IntegrationId, OrgId, RedriveId};
use crate::outcome::ErrorCategory;

named! {
    /// The state of a redrive.
    RedriveState {
        /// Under way.
        Running = "RUNNING",
        /// Every dead letter had its turn.
        Completed = "COMPLETED",
        /// Stopped by a person; what it has done stays done.
        Cancelled = "CANCELLED",
    }
}

/// Which dead letters a redrive covers; an absent field does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedriveFilter {
    /// Only those of this integration.
    pub integration_id: Option<IntegrationId>,
    /// Only those whose last failure has this category.
    pub category: Option<ErrorCategory>,
    /// Only those created at this moment or later.
    pub from: Option<Timestamp>,
    /// Only those created before this moment.
    pub until: Option<Timestamp>,
}

/// A request to redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedriveOrder {
    /// The tenant.
    pub org_id: OrgId,
    /// Which dead letters to cover.
    pub filter: RedriveFilter,
}

/// Identifies a redrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedriveKey {
    /// The tenant.
    pub org_id: OrgId,
    /// Its identifier.
    pub id: RedriveId,
}

/// The progress of a redrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedriveProgress {
    /// The estimated number of dead letters at the start.
    pub estimated: u64,
    /// Delivered so far.
    pub delivered: u64,
    /// Failed again so far.
    pub failed: u64,
    /// Still waiting for their turn.
    pub waiting: u64,
}

/// A redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// Its identity.
    pub key: RedriveKey,
    /// The filter; it covers only dead letters that existed when it began.
    pub filter: RedriveFilter,
    /// Its state.
    pub state: RedriveState,
    /// Its progress.
    pub progress: RedriveProgress,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was completed or cancelled.
    pub ended_at: Option<Timestamp>,
}
