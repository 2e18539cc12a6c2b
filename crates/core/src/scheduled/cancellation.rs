//! Later events that cancel or replace pending deliveries.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Cancellation, ScheduledDelivery};
use crate::clock::Timestamp;
use crate::delivery_log::EventRef;
use crate::id::{IntegrationId, NotAnObjectId, OrgId, Position};
use crate::schedule::MatchKey;

/// The key that links scheduled deliveries of one integration to the events that cancel them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CancellationKey(pub [u8; 12]);

impl CancellationKey {
    /// The key of an integration's deliveries with these values.
    pub fn new(org: OrgId, integration: IntegrationId, values: MatchKey) -> Self {
        let digest = Sha256::new()
            .chain_update(org.0.to_be_bytes())
            .chain_update(integration.0)
            .chain_update(values.0)
            .finalize();
        let mut key = [0; 12];
        key.copy_from_slice(&digest[..12]);
        Self(key)
    }
}

impl fmt::Debug for CancellationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancellationKey({})", IntegrationId(self.0))
    }
}

impl FromStr for CancellationKey {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        text.parse::<IntegrationId>().map(|id| Self(id.0))
    }
}

/// An event that cancels the deliveries of earlier events.
///
/// It is kept for a while, because an event that it cancels may be read after it: they have different types and may belong to
/// different workers. Positions decide which of two events is later within a source, and their own times across sources.
#[derive(Debug, Clone, PartialEq)]
pub struct CancellationEvent {
    /// The tenant.
    pub org_id: OrgId,
    /// The integration.
    pub integration: IntegrationId,
    /// The key of the deliveries.
    pub key: CancellationKey,
    /// The cancelling event.
    pub event: EventRef,
    /// The event's position in its source.
    pub position: Position,
    /// When the event happened.
    pub happened_at: Timestamp,
    /// The delivery to schedule instead, if anything was pending.
    pub replacement: Option<Box<ScheduledDelivery>>,
    /// The reason, for people.
    pub reason: String,
    /// How long cancelled deliveries are kept.
    pub keep_for: Duration,
    /// When the gateway decided.
    pub decided_at: Timestamp,
}

impl CancellationEvent {
    /// How long it is kept for earlier events that are read after it.
    pub const RETENTION: Duration = Duration::from_hours(7 * 24);

    /// Whether it cancels a delivery, if pending: one with its key that an earlier event scheduled.
    pub fn cancels(&self, delivery: &ScheduledDelivery) -> bool {
        let is_earlier = if delivery.event.source == self.event.source {
            delivery.position < self.position
        } else {
            delivery.happened_at <= self.happened_at
        };
        is_earlier && delivery.cancellation_keys.contains(&self.key)
    }

    /// The cancellation to store with each cancelled delivery.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation {
            reason: self.reason.clone(),
            event: Some(self.event.clone()),
            at: self.decided_at,
        }
    }
}
