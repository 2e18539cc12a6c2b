//! The end of trouble, as reported by a service.

use super::Fingerprint;
use crate::clock::Timestamp;
use crate::id::OrgId;

/// The trouble of an alert has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEnd {
    /// The tenant that the alert concerned; `None` when it concerned the platform.
    pub org_id: Option<OrgId>,
    /// The kind of the alert.
    pub kind: String,
    /// The key of the alert.
    pub key: String,
    /// When it ended.
    pub at: Timestamp,
}

impl AlertEnd {
    /// The identity of the trouble.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.org_id, &self.kind, &self.key)
    }
}
