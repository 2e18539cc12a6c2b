//! What was changed, by whom, and how it looked before and after.

use crate::access::Actor;
use crate::clock::Timestamp;
use crate::configuration::Change;
use crate::delivery_log::named;
use crate::id::OrgId;

named! {
    /// What was done to something.
    Action {
        /// It was made.
        Create = "CREATE",
        /// It was changed.
        Update = "UPDATE",
        /// It was deleted, or revoked for good.
        Delete = "DELETE",
    }
}

named! {
    /// What kind of thing was changed.
    ItemKind {
        /// An organisation, by its number.
        Organization = "ORG",
        /// A unit, by its number.
        Unit = "UNIT",
        /// An outbound integration, by its identifier.
        OutboundIntegration = "OUTBOUND_INTEGRATION",
        /// An inbound integration, by its identifier.
        InboundIntegration = "INBOUND_INTEGRATION",
        /// A scheduled job, by its identifier.
        ScheduledJob = "SCHEDULED_JOB",
        /// A template, by its identifier.
        Template = "TEMPLATE",
        /// An event type, by its name.
        EventType = "EVENT_TYPE",
        /// The lookup rows of a type, by its name.
        Lookups = "LOOKUPS",
        /// A person, by their identifier.
        User = "USER",
        /// A key for the API, by its identifier.
        ApiKey = "API_KEY",
    }
}

/// One thing whose changes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// The organisation that it belongs to; none for what is the platform's.
    pub org: Option<OrgId>,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// Its identifier within the kind.
    pub id: String,
}

/// How something of the configuration looked from one revision on.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// What it is about.
    pub item: Item,
    /// The revision that made it so.
    pub revision: u64,
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// What it looked like, as the change that would make it so; nothing once it is deleted, or where only its head was asked for.
    pub content: Option<Change>,
}
