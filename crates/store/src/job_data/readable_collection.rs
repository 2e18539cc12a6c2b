//! The collections that jobs may read.

use ig_core::job::FetchError;

use crate::names::{ALERTS, DEAD_LETTERS, DELIVERY_LOGS, EVENT_AUDIT, EXECUTION_LOGS, REDRIVES, SCHEDULED};

/// Logs of jobs.
const JOB_LOGS: &str = "scheduled_job_logs";

/// A collection, and what of it may leave.
#[derive(Debug)]
pub(super) struct ReadableCollection {
    pub(super) name: &'static str,
    /// The field that names the unit of a row.
    pub(super) unit: Option<&'static str>,
    /// Fields that stay here: claims and leases of processes, and payloads that are kept for sending, in which nothing is
    /// masked.
    pub(super) hidden: &'static [&'static str],
}

/// Records of what happened. Users, keys, sessions and configuration are not among them: they hold secrets.
const READABLE: &[ReadableCollection] = &[
    ReadableCollection {
        name: DELIVERY_LOGS,
        unit: None,
        hidden: &["signature"],
    },
    ReadableCollection {
        name: EXECUTION_LOGS,
        unit: None,
        hidden: &[],
    },
    ReadableCollection {
        name: EVENT_AUDIT,
        unit: Some("entityRid"),
        hidden: &[],
    },
    ReadableCollection {
        name: DEAD_LETTERS,
        unit: Some("entityRid"),
        hidden: &["originalPayload", "redelivery", "redriveOpen", "alertOwed", "keepForMs"],
    },
    ReadableCollection {
        name: REDRIVES,
        unit: None,
        hidden: &["claimId", "claimUntil", "takenIn"],
    },
    ReadableCollection {
        name: SCHEDULED,
        unit: Some("tenantId"),
        hidden: &["payload", "claimId", "dueAt", "callOffKeys", "keepForMs"],
    },
    ReadableCollection {
        name: JOB_LOGS,
        unit: None,
        hidden: &[],
    },
    ReadableCollection {
        name: ALERTS,
        unit: None,
        hidden: &["quietUntil"],
    },
];

impl ReadableCollection {
    pub(super) fn find(name: &str) -> Result<&'static Self, FetchError> {
        let found = READABLE.iter().find(|collection| collection.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = READABLE.iter().map(|collection| collection.name).collect();
            FetchError::Refused(format!("A job may not read {name:?}. It may read {}.", names.join(", ")))
        })
    }

    /// Whether a field, or one inside it, stays here.
    pub(super) fn hides(&self, path: &str) -> bool {
        let head = path.split('.').next().unwrap_or(path);
        self.hidden.contains(&head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;

    #[test]
    fn collections_with_secrets_are_not_readable() {
        for name in [
            names::USERS,
            names::API_KEYS,
            names::SESSIONS,
            names::AUDIT_LOGS,
            names::ORGANIZATIONS,
            names::INTEGRATIONS,
            names::CONFIG_VERSIONS,
            names::CONFIG_CHANGES,
            names::PUSHED_EVENTS,
            names::LOOKUPS,
            "system.users",
            "DELIVERY_LOGS",
            "",
        ] {
            assert!(
                matches!(ReadableCollection::find(name), Err(FetchError::Refused(_))),
                "{name}"
            );
        }
    }
}
