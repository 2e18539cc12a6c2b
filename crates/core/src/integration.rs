//! An outbound integration: which events go where, in what shape, and signed how.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::breaker::BreakerPolicy;
use crate::clock::Timestamp;
use crate::condition::Condition;
use crate::id::{EventType, IntegrationId, OrgId, Rid};
use crate::schedule::Schedule;

mod action;
mod auth;
mod breaker_subject;
mod counts;
mod hold;
mod limit;
mod lookup;
mod mapping;
pub mod query;
mod script;
mod signing;
mod target;

pub use action::{Action, PlannedAction};
pub use auth::{ClientCredentials, CredentialsLocation, OutgoingAuth};
pub use breaker_subject::BreakerSubject;
pub use counts::IntegrationCounts;
pub use hold::{Hold, HoldCause};
pub use limit::ConfiguredLimit;
pub use lookup::{LookupReturn, LookupRule, LookupSource, Unmapped};
pub use mapping::{DEFAULT_TIMEOUT, DateFormat, FieldMapping, MAX_DEPTH, SimpleMapping, StaticField, Transform, Transformation};
pub use script::{DEFAULT_SCRIPT_TIMEOUT, MAX_SCRIPT_BYTES, MAX_SCRIPT_TIMEOUT, Script};
pub use signing::{Signing, SigningSecret};
pub use target::{HttpMethod, Target, TargetUrl};

/// The events that an integration subscribes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventPattern {
    /// Events of every type (`*`).
    Any,
    /// Events of one type.
    Exact(EventType),
}

/// How far an integration at the organisation's level reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The organisation and all of its units.
    AllEntities,
    /// Only the entity that it is set on.
    EntityOnly,
}

/// Whether an integration's deliveries keep the order of their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ordering {
    /// One at a time, in event order.
    Ordered,
    /// Concurrently, in any order.
    Unordered {
        /// The most deliveries under way at once, from 1 to 1,000.
        max_concurrency: u16,
    },
}

/// What a delivery logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogLevel {
    /// Everything, payloads included.
    Full,
    /// Everything but payloads.
    Metadata,
}

/// An outbound integration.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// Its identifier.
    pub id: IntegrationId,
    /// The tenant it belongs to.
    pub org_id: OrgId,
    /// The entity it is set on: the organisation itself, or one of its units.
    pub tenant_id: Rid,
    /// Display name.
    pub name: String,
    /// Whether its deliveries are sent.
    pub is_active: bool,
    /// Why deliveries are held while it is inactive; an inactive integration without a hold is a draft and takes no part in
    /// matching.
    pub hold: Option<Hold>,
    /// The events that it subscribes to.
    pub events: EventPattern,
    /// How far it reaches when it is set on the organisation.
    pub scope: Scope,
    /// Units that it excludes when it reaches all entities.
    pub excluded_entity_rids: BTreeSet<Rid>,
    /// Where deliveries go, unless an action says otherwise.
    pub target: Target,
    /// The condition on its events; `None` takes all.
    pub filter: Option<Condition>,
    /// How the payload is transformed, unless an action says otherwise.
    pub transformation: Transformation,
    /// The lookups made for every payload, written after the transformation.
    pub lookups: Vec<LookupRule>,
    /// How long one script may run.
    pub script_timeout: Duration,
    /// The credentials of its deliveries.
    pub auth: OutgoingAuth,
    /// How deliveries are signed, if they are.
    pub signing: Option<Signing>,
    /// Additional headers of every request.
    pub headers: Vec<(String, String)>,
    /// The requests for one event, in sequence; empty means one, to the target.
    pub actions: Vec<Action>,
    /// The pause between two actions.
    pub multi_action_delay: Duration,
    /// The time limit of one request, connecting and reading included.
    pub timeout: Duration,
    /// How many attempts a delivery gets in its lane.
    pub attempts: u8,
    /// Whether deliveries keep event order.
    pub ordering: Ordering,
    /// The most deliveries in a window, where a limit is set.
    pub rate_limit: Option<ConfiguredLimit>,
    /// Whether an open breaker probes its target by itself.
    pub breaker: BreakerPolicy,
    /// What a delivery logs.
    pub log_level: LogLevel,
    /// When deliveries are made, and what cancels them.
    pub schedule: Schedule,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Integration {
    /// Whether it is set on the organisation rather than on one of its units.
    pub fn is_parent_level(&self) -> bool {
        self.tenant_id == self.org_id.as_entity()
    }

    /// Whether it takes part in matching: its deliveries are sent or held.
    pub fn is_matched(&self) -> bool {
        self.is_active || self.hold.is_some()
    }

    /// The same integration, switched on or off by a person; one that is held already keeps its hold.
    #[must_use]
    pub fn switched(self, is_active: bool, now: Timestamp) -> Self {
        let hold = Hold::switched(self.hold.clone(), self.is_active, is_active, now);
        Self { is_active, hold, ..self }
    }

    /// The requests for one event, in sequence.
    pub fn planned_actions(&self) -> Vec<PlannedAction<'_>> {
        if self.actions.is_empty() {
            return vec![PlannedAction::of_integration(self)];
        }
        self.actions
            .iter()
            .enumerate()
            .map(|(index, action)| PlannedAction::of_action(self, index, action))
            .collect()
    }
}
