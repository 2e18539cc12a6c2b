//! Alerts about the configuration itself.

use chrono::Utc;
use ig_core::alert::{Alert, Severity};
use ig_core::configuration::Change;
use ig_core::integration::HoldCause;

/// The alert for an item that cannot be read.
pub(super) fn unreadable(change: &Change) -> Option<Alert> {
    let (org, id, name, hold) = match change {
        Change::PutIntegration(integration) => (integration.org_id, integration.id, &integration.name, &integration.hold),
        Change::PutInbound(inbound) => (inbound.org_id, inbound.id, &inbound.name, &inbound.hold),
        _ => return None,
    };
    let hold = hold.as_ref().filter(|hold| hold.cause == HoldCause::Unreadable)?;
    Some(Alert {
        org_id: Some(org),
        kind: "configuration-unreadable".to_owned(),
        key: id.to_string(),
        severity: Severity::Critical,
        message: format!("{name:?} is out of use: {}", hold.reason),
        at: Utc::now(),
    })
}
