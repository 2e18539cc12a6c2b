//! Trouble that people are told of, once.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::OrgId;

named! {
    /// How bad an alert is.
    Severity {
        /// Worth knowing.
        Info = "INFO",
        /// Somebody should look.
        Warning = "WARNING",
        /// Deliveries are failing.
        Critical = "CRITICAL",
    }
}

/// Trouble, as the service reports it that noticed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The tenant that it concerns; nobody when it concerns the platform.
    pub org_id: Option<OrgId>,
    /// What kind of trouble, such as `circuit-open`.
    pub kind: String,
    /// What two reports of the same trouble share, such as an integration's identifier.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub message: String,
    /// When it happened.
    pub at: Timestamp,
}
