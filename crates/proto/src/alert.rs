//! Alerts.

use ig_core::alert::{Alert, Severity};
use ig_core::id::OrgId;

use crate::invalid::{InvalidMessage, Within as _};
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&Alert> for v1::RaiseRequest {
    fn from(alert: &Alert) -> Self {
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert;
        Self {
            org_id: org_id.map(|org| org.0),
            kind: kind.clone(),
            key: key.clone(),
            severity: severity_to_wire(*severity).into(),
            message: message.clone(),
            at: Some(timestamp_to_wire(at)),
        }
    }
}

impl TryFrom<v1::RaiseRequest> for Alert {
    type Error = InvalidMessage;

    fn try_from(message: v1::RaiseRequest) -> Result<Self, InvalidMessage> {
        let v1::RaiseRequest {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = message;
        Ok(Self {
            org_id: org_id.map(OrgId),
            kind: named(kind).within("kind")?,
            key: named(key).within("key")?,
            severity: severity_from_wire(severity).within("severity")?,
            message,
            at: timestamp_from_wire(at, "at")?,
        })
    }
}

fn named(text: String) -> Result<String, InvalidMessage> {
    if text.is_empty() {
        Err(InvalidMessage::value("must not be empty"))
    } else {
        Ok(text)
    }
}

fn severity_to_wire(severity: Severity) -> v1::Severity {
    match severity {
        Severity::Info => v1::Severity::Info,
        Severity::Warning => v1::Severity::Warning,
        Severity::Critical => v1::Severity::Critical,
    }
}

fn severity_from_wire(severity: i32) -> Result<Severity, InvalidMessage> {
    match v1::Severity::try_from(severity) {
        Ok(v1::Severity::Info) => Ok(Severity::Info),
        Ok(v1::Severity::Warning) => Ok(Severity::Warning),
        Ok(v1::Severity::Critical) => Ok(Severity::Critical),
        Ok(v1::Severity::Unspecified) | Err(_) => Err(InvalidMessage::value("must be INFO, WARNING or CRITICAL")),
    }
}
