//! The collections that contain data of an organisation.

use ig_core::id::OrgId;
use mongodb::bson::{Document, doc};

use crate::names::{
    ALERT_ROUTES, ALERTS, API_KEYS, BREAKERS, CONFIG_VERSIONS, DATA_CONNECTIONS, DEAD_LETTERS, DELIVERY_LOGS, DELIVERY_TALLIES,
    EVENT_AUDIT, EVENT_TYPES, INTEGRATIONS, JOB_LOGS, JOB_STATES, LOOKUP_IMPORTS, LOOKUP_USAGE, LOOKUPS, NOTICE_QUEUES, NOTICES,
    NOTIFICATION_CHANNELS, ORG_UNITS, OWED_ALERTS, PUSHED_EVENTS, REDRIVES, SCHEDULED, SCHEDULED_CANCELLATIONS, SILENCES,
    TEMPLATES, USERS,
};

/// One kind of data.
#[derive(Debug)]
pub(super) struct Area {
    /// Its name, for people to read.
    pub(super) kind: &'static str,
    pub(super) collection: &'static str,
    key: Key,
}

/// How a document refers to its organisation.
#[derive(Debug)]
enum Key {
    /// By `orgId`.
    Org,
    /// By a text field that begins with the organisation's number and a colon.
    Text(&'static str),
    /// By one of its grants.
    Grant,
}

const fn by_org(kind: &'static str, collection: &'static str) -> Area {
    Area {
        kind,
        collection,
        key: Key::Org,
    }
}

const fn by_text(kind: &'static str, collection: &'static str, field: &'static str) -> Area {
    Area {
        kind,
        collection,
        key: Key::Text(field),
    }
}

/// Deleted by the transaction that deletes the organisation.
pub(super) const CONFIGURED: &[Area] = &[
    by_org("units", ORG_UNITS),
    by_org("integrations", INTEGRATIONS),
    by_org("templates", TEMPLATES),
    by_org("eventTypes", EVENT_TYPES),
    by_org("lookups", LOOKUPS),
];

/// Removed afterwards, step by step: records of its events and its history, and users and keys once more, because one
/// may have been created during the deletion. The audit log stays; it belongs to the platform.
pub(super) const AREAS: &[Area] = &[
    by_org("deadLetters", DEAD_LETTERS),
    by_org("redrives", REDRIVES),
    by_org("scheduledIntegrations", SCHEDULED),
    by_org("callOffs", SCHEDULED_CANCELLATIONS),
    by_org("jobStates", JOB_STATES),
    by_org("jobLogs", JOB_LOGS),
    by_org("logs", DELIVERY_LOGS),
    by_org("events", EVENT_AUDIT),
    by_text("pushedEvents", PUSHED_EVENTS, "key"),
    by_text("figures", DELIVERY_TALLIES, "_id"),
    by_org("alerts", ALERTS),
    by_org("owedAlerts", OWED_ALERTS),
    by_org("notificationChannels", NOTIFICATION_CHANNELS),
    by_org("alertRoutes", ALERT_ROUTES),
    by_org("silences", SILENCES),
    by_org("notices", NOTICES),
    by_org("noticeQueues", NOTICE_QUEUES),
    by_org("breakers", BREAKERS),
    by_org("lookupImports", LOOKUP_IMPORTS),
    by_org("lookupUsage", LOOKUP_USAGE),
    by_org("versions", CONFIG_VERSIONS),
    by_org("apiKeys", API_KEYS),
    by_org("users", USERS),
];

/// Connections are the platform's own: the organisation's grants are taken back, and the connections stay.
pub(super) const GRANTS: Area = Area {
    kind: "dataConnectionGrants",
    collection: DATA_CONNECTIONS,
    key: Key::Grant,
};

impl Area {
    /// Matches an organisation's documents.
    pub(super) fn of(&self, OrgId(org): OrgId) -> Document {
        match self.key {
            Key::Org => doc! { "orgId": org },
            Key::Grant => doc! { "grants.orgId": org },
            // A semicolon follows a colon.
            Key::Text(field) => doc! { field: { "$gte": format!("{org}:"), "$lt": format!("{org};") } },
        }
    }
}
