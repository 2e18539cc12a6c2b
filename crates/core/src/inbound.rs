//! An inbound integration: a client's call goes through the gateway to an outside API, and is answered in real time.

use std::time::Duration;

use ipnet::IpNet;

use crate::breaker::BreakerPolicy;
use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId, Rid};
use crate::integration::{Hold, LogLevel, OutgoingAuth, SetLimit, Signing, TargetUrl, Transformation};

mod again;
mod client;
mod method;
mod route;
mod timeouts;

pub use client::{ClientAuth, Hmac};
pub use method::{AllowedMethods, ProxyMethod};
pub use route::RouteName;
pub use timeouts::ProxyTimeouts;

/// What becomes of a call whose log cannot be kept, because the log store is away and the room for waiting logs is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Logging {
    /// It is refused before anything is sent.
    #[default]
    Required,
    /// It is answered, and its log is lost.
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
    /// Whether calls are let through.
    pub is_active: bool,
    /// Why calls are refused where it is not active.
    pub hold: Option<Hold>,
    /// The methods that clients may use; each is sent on as it came.
    pub methods: AllowedMethods,
    /// Where calls go.
    pub target: TargetUrl,
    /// Whether what follows `type` in a call's path is appended to the target's.
    pub path_suffix: bool,
    /// What clients prove themselves with, besides the gateway's own authentication.
    pub client_auth: ClientAuth,
    /// Where clients may call from; anywhere where empty.
    pub allowed_addresses: Vec<IpNet>,
    /// How calls prove to the target who they come from.
    pub auth: OutgoingAuth,
    /// How requests are signed, if they are.
    pub signing: Option<Signing>,
    /// Further headers of every request to the target.
    pub headers: Vec<(String, String)>,
    /// How a request's body changes shape; it streams through as it is where absent.
    pub request: Option<Transformation>,
    /// How an answer's body changes shape; it streams through as it is where absent.
    pub response: Option<Transformation>,
    /// How long one script may run.
    pub script_timeout: Duration,
    /// How long the steps of a call may take.
    pub timeouts: ProxyTimeouts,
    /// How often a request is tried that may be sent again.
    pub attempts: u8,
    /// How many calls may be under way at once.
    pub max_concurrency: u32,
    /// How many calls are let through in a window, where a limit is set.
    pub rate_limit: Option<SetLimit>,
    /// Whether an open breaker looks by itself whether the target has recovered.
    pub breaker: BreakerPolicy,
    /// What of a call is kept; nothing but figures where absent.
    pub log_level: Option<LogLevel>,
    /// What becomes of a call whose log cannot be kept.
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

    /// The same, switched on or off by a person at a moment.
    #[must_use]
    pub fn switched(self, is_active: bool, now: Timestamp) -> Self {
        let hold = Hold::switched(self.hold.clone(), self.is_active, is_active, now);
        Self { is_active, hold, ..self }
    }
}
