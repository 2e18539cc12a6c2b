//! The history of changes: what changed, who changed it, and what it looked like before and after.

use crate::access::Actor;
use crate::clock::Timestamp;
use crate::configuration::Change;
use crate::delivery_log::named;
use crate::id::OrgId;

named! {
    /// The kind of a change.
    Action {
        /// It was created.
        Create = "CREATE",
        /// It was changed.
        Update = "UPDATE",
        /// It was deleted, or revoked for good.
        Delete = "DELETE",
    }
}

named! {
    /// The kind of a changed item.
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
        /// A connection to a database, by its name.
        DataConnection = "DATA_CONNECTION",
    }
}

/// An item with a history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// The organisation that it belongs to; `None` for items of the platform.
    pub org: Option<OrgId>,
    /// Its kind.
    pub kind: ItemKind,
    /// Its identifier within the kind.
    pub id: String,
}

/// An item of configuration as it looked from one revision on.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The item.
    pub item: Item,
    /// The revision that it starts at.
    pub revision: u64,
    /// The kind of the change.
    pub action: Action,
    /// Who made the change.
    pub actor: Actor,
    /// When it was made.
    pub at: Timestamp,
    /// The content, as the change that would restore it; `None` after a deletion, or where only the head was requested.
    pub content: Option<Change>,
}
