//! What a report says beyond the alert itself, and the bounds of its texts.

use sha2::{Digest as _, Sha256};

use super::fingerprint::hexadecimal;
use super::{Alert, Fingerprint};
use crate::delivery_log::named;
use crate::id::{IntegrationId, Rid};

/// The longest kind, key and name, in bytes. The database indexes them.
const MAX_NAME_BYTES: usize = 200;
/// The longest message and error, in bytes.
const MAX_TEXT_BYTES: usize = 4_096;
/// How much of a hash tells two long names apart, in bytes.
const HASH_BYTES: usize = 16;

/// Kinds of trouble that last until somebody reports their end, however long nothing is heard of them.
const LASTING: [&str; 3] = ["circuit-open", "source-behind", "configuration-unreadable"];
/// Kinds of alerts that report the end of another kind with the same key.
const ENDS: [(&str, &str); 1] = [("circuit-closed", "circuit-open")];

named! {
    /// How the trouble of an alert ends.
    Ending {
        /// A service reports its end, or a person does.
        Reported = "REPORTED",
        /// It is over when it was not reported for a while.
        Quiet = "QUIET",
    }
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSubject {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What a notice of an alert says beyond its message, as far as the sender knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertDetails {
    /// What it is about.
    pub subject: Option<AlertSubject>,
    /// The integration that it is about.
    pub integration: Option<IntegrationId>,
    /// The unit that it is about.
    pub unit: Option<Rid>,
    /// How many deliveries wait.
    pub waiting: Option<u64>,
    /// The last error.
    pub last_error: Option<String>,
    /// How it ends; `None` means what is usual for its kind.
    pub ending: Option<Ending>,
}

/// An alert with its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertReport {
    /// The alert.
    pub alert: Alert,
    /// Its details.
    pub details: AlertDetails,
}

impl From<Alert> for AlertReport {
    fn from(alert: Alert) -> Self {
        Self {
            alert,
            details: AlertDetails::default(),
        }
    }
}

impl AlertReport {
    /// The identity of its trouble.
    pub fn fingerprint(&self) -> Fingerprint {
        let Alert { org_id, kind, key, .. } = &self.alert;
        Fingerprint::of(*org_id, kind, key)
    }

    /// How its trouble ends.
    pub fn ending(&self) -> Ending {
        let usual = if LASTING.contains(&self.alert.kind.as_str()) {
            Ending::Reported
        } else {
            Ending::Quiet
        };
        self.details.ending.unwrap_or(usual)
    }

    /// The trouble whose end this alert reports, if it reports one. Such an alert is recorded; the notices are those of the trouble.
    pub fn ends(&self) -> Option<Fingerprint> {
        let Alert { org_id, kind, key, .. } = &self.alert;
        let (_, ended) = ENDS.iter().find(|(end, _)| end == kind)?;
        Some(Fingerprint::of(*org_id, ended, key))
    }

    /// The same report with texts of bounded length. A name that is cut keeps a hash of the whole, so that no two names become one. An
    /// integration that only the key names is known as well.
    #[must_use]
    pub fn bounded(self) -> Self {
        let Self { alert, details } = self;
        let AlertDetails {
            subject,
            integration,
            unit,
            waiting,
            last_error,
            ending,
        } = details;
        let integration = integration.or_else(|| alert.key.parse().ok());
        Self {
            alert: Alert {
                kind: bounded_name(alert.kind),
                key: bounded_name(alert.key),
                message: bounded_text(alert.message),
                ..alert
            },
            details: AlertDetails {
                subject: subject.map(|AlertSubject { id, name }| AlertSubject {
                    id: bounded_name(id),
                    name: bounded_name(name),
                }),
                integration,
                unit,
                waiting,
                last_error: last_error.map(bounded_text),
                ending,
            },
        }
    }
}

pub(super) fn bounded_name(name: String) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name;
    }
    let hash = hexadecimal(&Sha256::digest(&name)[..HASH_BYTES]);
    let kept = name.floor_char_boundary(MAX_NAME_BYTES - hash.len() - 1);
    format!("{}~{hash}", &name[..kept])
}

fn bounded_text(mut text: String) -> String {
    let kept = text.floor_char_boundary(MAX_TEXT_BYTES);
    text.truncate(kept);
    text
}
