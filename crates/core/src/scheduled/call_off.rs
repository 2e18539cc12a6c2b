//! A later event that calls off what is pending, or replaces it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Cancellation, ScheduledDelivery};
use crate::clock::Timestamp;
use crate::delivery_log::EventRef;
use crate::id::{IntegrationId, NotAnObjectId, OrgId, Position};
use crate::schedule::MatchKey;

/// What a scheduled delivery of one integration shares with the events that call it off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallOffKey(pub [u8; 12]);

impl CallOffKey {
    /// The key of an integration's deliveries with equal values.
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

impl fmt::Debug for CallOffKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallOffKey({})", IntegrationId(self.0))
    }
}

impl FromStr for CallOffKey {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        text.parse::<IntegrationId>().map(|id| Self(id.0))
    }
}

/// An event that calls off what earlier ones planned.
///
/// It is kept for a while, since the event that it calls off may be read after it: they are of different types, and so the business of
/// different workers. Which of two is the later one is told by their places in their source, and across sources by when they happened.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOff {
    /// The tenant.
    pub org_id: OrgId,
    /// Whose deliveries.
    pub integration: IntegrationId,
    /// Which of them.
    pub key: CallOffKey,
    /// The event that does it.
    pub event: EventRef,
    /// Its place in its source.
    pub position: Position,
    /// When it happened.
    pub happened_at: Timestamp,
    /// What is planned instead, where anything was pending.
    pub replacement: Option<Box<ScheduledDelivery>>,
    /// Why, for people.
    pub reason: String,
    /// How long what was called off is kept.
    pub keep_for: Duration,
    /// When it was understood.
    pub decided_at: Timestamp,
}

impl CallOff {
    /// How long it is kept for events that are read after it though they came before it.
    pub const REMEMBERED: Duration = Duration::from_hours(7 * 24);

    /// Whether it calls off a delivery, were that pending: one with its key that an earlier event planned.
    pub fn calls_off(&self, delivery: &ScheduledDelivery) -> bool {
        let is_earlier = if delivery.event.source == self.event.source {
            delivery.position < self.position
        } else {
            delivery.happened_at <= self.happened_at
        };
        is_earlier && delivery.call_off_keys.contains(&self.key)
    }

    /// What is written down with what it calls off.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation {
            reason: self.reason.clone(),
            event: Some(self.event.clone()),
            at: self.decided_at,
        }
    }
}
