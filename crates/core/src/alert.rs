//! Alerts: trouble that people hear of once.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::OrgId;

named! {
    /// How severe an alert is.
    Severity {
        /// Worth knowing.
        Info = "INFO",
        /// An operator should look.
        Warning = "WARNING",
        /// Deliveries are failing.
        Critical = "CRITICAL",
    }
}

/// Trouble, as reported by the service that noticed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The tenant that it concerns; `None` when it concerns the platform.
    pub org_id: Option<OrgId>,
    /// What kind of trouble, such as `circuit-open`.
    pub kind: String,
    /// The deduplication key that reports of the same trouble share, such as an integration's identifier.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub message: String,
    /// When it happened.
    pub at: Timestamp,
}
