//! An inbound integration: the gateway proxies a client's call to an outside API and answers it in real time.

use std::time::Duration;

use ipnet::IpNet;

use crate::breaker::BreakerPolicy;
use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId, Rid};
use crate::integration::{ConfiguredLimit, Hold, LogLevel, OutgoingAuth, Signing, TargetUrl, Transformation};

mod client;
mod method;
mod resend;
mod route;
mod timeouts;

pub use client::{ClientAuth, Hmac};
pub use method::{AllowedMethods, ProxyMethod};
pub use route::RouteName;
pub use timeouts::ProxyTimeouts;

/// What happens to a call whose log cannot be stored, because the log store is away and the buffer of waiting logs is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Logging {
    /// The call is refused before anything is sent.
    #[default]
    Required,
    /// The call is answered, and its log is lost.
    BestEffort,
}

/// An inbound integration.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundIntegration {
    /// Its identifier.
    pub id: IntegrationId,
    /// The tenant it belongs to.
    pub org_id: OrgId,
    /// The entity that it acts for: the organisation itself, or one of its units.
    pub tenant_id: Rid,
    /// The `type` in its address, unique within the organisation.
    pub route: RouteName,
    /// Display name.
    pub name: String,
    /// Whether calls are allowed.
    pub is_active: bool,
    /// Why calls are refused while it is inactive.
    pub hold: Option<Hold>,
    /// The methods that clients may use; each is forwarded unchanged.
    pub methods: AllowedMethods,
    /// Where calls go.
    pub target: TargetUrl,
    /// Whether the rest of a call's path after `type` is appended to the target's path.
    pub path_suffix: bool,
    /// The credentials that clients present, besides the gateway's own authentication.
    pub client_auth: ClientAuth,
    /// The addresses that clients may call from; empty allows all.
    pub allowed_addresses: Vec<IpNet>,
    /// The credentials that calls present to the target.
    pub auth: OutgoingAuth,
    /// How requests are signed, if they are.
    pub signing: Option<Signing>,
    /// Further headers of every request to the target.
    pub headers: Vec<(String, String)>,
    /// How the request body is transformed; `None` streams it through unchanged.
    pub request: Option<Transformation>,
    /// How the response body is transformed; `None` streams it through unchanged.
    pub response: Option<Transformation>,
    /// How long one script may run.
    pub script_timeout: Duration,
    /// How long the steps of a call may take.
    pub timeouts: ProxyTimeouts,
    /// How many attempts a repeatable request gets.
    pub attempts: u8,
    /// The most calls under way at once.
    pub max_concurrency: u32,
    /// The most calls in a window, where a limit is set.
    pub rate_limit: Option<ConfiguredLimit>,
    /// Whether an open breaker probes its target by itself.
    pub breaker: BreakerPolicy,
    /// What is logged of a call; `None` keeps statistics alone.
    pub log_level: Option<LogLevel>,
    /// What happens to a call whose log cannot be stored.
    pub logging: Logging,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl InboundIntegration {
    /// Whether it acts for the organisation rather than for one of its units.
    pub fn is_parent_level(&self) -> bool {
        self.tenant_id == self.org_id.as_entity()
    }

    /// The same integration, switched on or off by a person.
    #[must_use]
    pub fn switched(self, is_active: bool, now: Timestamp) -> Self {
        let hold = Hold::switched(self.hold.clone(), self.is_active, is_active, now);
        Self { is_active, hold, ..self }
    }
}
