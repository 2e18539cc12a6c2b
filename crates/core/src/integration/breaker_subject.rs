//! What a breaker needs to know about an integration of either direction.

use std::time::Duration;

use super::{Hold, Integration};
use crate::breaker::BreakerPolicy;
use crate::clock::Timestamp;
use crate::delivery_log::Direction;
use crate::id::{IntegrationId, OrgId};
use crate::inbound::InboundIntegration;

/// An integration as its breaker sees it.
#[derive(Debug, Clone, Copy)]
pub struct BreakerSubject<'a> {
    /// The integration.
    pub id: IntegrationId,
    /// The tenant.
    pub org_id: OrgId,
    /// Its direction.
    pub direction: Direction,
    /// Display name.
    pub name: &'a str,
    /// Whether anything is sent.
    pub is_active: bool,
    /// Why nothing is sent.
    pub hold: Option<&'a Hold>,
    /// Whether an open breaker probes its target by itself.
    pub policy: BreakerPolicy,
    /// The longest time that all attempts at one request take.
    pub max_duration: Duration,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Integration {
    /// The breaker's view of this integration.
    pub fn breaker_subject(&self) -> BreakerSubject<'_> {
        BreakerSubject {
            id: self.id,
            org_id: self.org_id,
            direction: Direction::Outbound,
            name: &self.name,
            is_active: self.is_active,
            hold: self.hold.as_ref(),
            policy: self.breaker,
            max_duration: self.timeout * u32::from(self.attempts),
            revision: self.revision,
            updated_at: self.updated_at,
        }
    }
}

impl InboundIntegration {
    /// The breaker's view of this integration.
    pub fn breaker_subject(&self) -> BreakerSubject<'_> {
        BreakerSubject {
            id: self.id,
            org_id: self.org_id,
            direction: Direction::Inbound,
            name: &self.name,
            is_active: self.is_active,
            hold: self.hold.as_ref(),
            policy: self.breaker,
            max_duration: self.timeouts.total,
            revision: self.revision,
            updated_at: self.updated_at,
        }
    }
}
