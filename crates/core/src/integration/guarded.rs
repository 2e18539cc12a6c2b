//! What a breaker needs to know of an integration, whichever way it goes.

use std::time::Duration;

use super::{Hold, Integration};
use crate::breaker::BreakerPolicy;
use crate::clock::Timestamp;
use crate::delivery_log::Direction;
use crate::id::{IntegrationId, OrgId};
use crate::inbound::InboundIntegration;

/// An integration as its breaker sees it.
#[derive(Debug, Clone, Copy)]
pub struct Guarded<'a> {
    /// The integration.
    pub id: IntegrationId,
    /// The tenant.
    pub org_id: OrgId,
    /// Which way it goes.
    pub direction: Direction,
    /// Display name.
    pub name: &'a str,
    /// Whether anything is sent.
    pub is_active: bool,
    /// Why nothing is sent.
    pub hold: Option<&'a Hold>,
    /// Whether an open breaker looks by itself whether the target has recovered.
    pub policy: BreakerPolicy,
    /// The most that all attempts at one request take.
    pub takes: Duration,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Integration {
    /// As its breaker sees it.
    pub fn guarded(&self) -> Guarded<'_> {
        Guarded {
            id: self.id,
            org_id: self.org_id,
            direction: Direction::Outbound,
            name: &self.name,
            is_active: self.is_active,
            hold: self.hold.as_ref(),
            policy: self.breaker,
            takes: self.timeout * u32::from(self.attempts),
            revision: self.revision,
            updated_at: self.updated_at,
        }
    }
}

impl InboundIntegration {
    /// As its breaker sees it.
    pub fn guarded(&self) -> Guarded<'_> {
        Guarded {
            id: self.id,
            org_id: self.org_id,
            direction: Direction::Inbound,
            name: &self.name,
            is_active: self.is_active,
            hold: self.hold.as_ref(),
            policy: self.breaker,
            takes: self.timeouts.total,
            revision: self.revision,
            updated_at: self.updated_at,
        }
    }
}
