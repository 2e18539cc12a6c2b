//! Alerts.

use ig_core::alert::{Alert, AlertDetails, AlertEnd, AlertReport, AlertSubject, Ending, Severity};
use ig_core::id::{OrgId, Rid};

use crate::invalid::{InvalidMessage, Within as _};
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&Alert> for v1::RaiseRequest {
    fn from(alert: &Alert) -> Self {
        Self::from(&AlertReport::from(alert.clone()))
    }
}

impl From<&AlertReport> for v1::RaiseRequest {
    fn from(AlertReport { alert, details }: &AlertReport) -> Self {
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert;
        let AlertDetails {
            subject,
            integration,
            unit,
            waiting,
            last_error,
            ending,
        } = details;
        Self {
            org_id: org_id.map(|org| org.0),
            kind: kind.clone(),
            key: key.clone(),
            severity: severity_to_wire(*severity).into(),
            message: message.clone(),
            at: Some(timestamp_to_wire(at)),
            subject: subject.as_ref().map(v1::AlertSubject::from),
            integration_id: integration.map(|id| id.to_string()),
            unit: unit.map(|unit| unit.0),
            waiting: *waiting,
            last_error: last_error.clone(),
            ending: ending.map(|ending| ending_to_wire(ending).into()),
        }
    }
}

impl TryFrom<v1::RaiseRequest> for Alert {
    type Error = InvalidMessage;

    fn try_from(message: v1::RaiseRequest) -> Result<Self, InvalidMessage> {
        AlertReport::try_from(message).map(|report| report.alert)
    }
}

impl TryFrom<v1::RaiseRequest> for AlertReport {
    type Error = InvalidMessage;

    fn try_from(message: v1::RaiseRequest) -> Result<Self, InvalidMessage> {
        let v1::RaiseRequest {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
            subject,
            integration_id,
            unit,
            waiting,
            last_error,
            ending,
        } = message;
        let alert = Alert {
            org_id: org_id.map(OrgId),
            kind: named(kind).within("kind")?,
            key: named(key).within("key")?,
            severity: severity_from_wire(severity).within("severity")?,
            message,
            at: timestamp_from_wire(at, "at")?,
        };
        let integration = integration_id.map(|id| id.parse()).transpose();
        let details = AlertDetails {
            subject: subject.map(AlertSubject::from),
            integration: integration.within("integration_id")?,
            unit: unit.map(Rid),
            waiting,
            last_error,
            ending: ending.and_then(ending_from_wire),
        };
        Ok(Self { alert, details })
    }
}

impl From<&AlertEnd> for v1::ResolveRequest {
    fn from(AlertEnd { org_id, kind, key, at }: &AlertEnd) -> Self {
        Self {
            org_id: org_id.map(|org| org.0),
            kind: kind.clone(),
            key: key.clone(),
            at: Some(timestamp_to_wire(at)),
        }
    }
}

impl TryFrom<v1::ResolveRequest> for AlertEnd {
    type Error = InvalidMessage;

    fn try_from(message: v1::ResolveRequest) -> Result<Self, InvalidMessage> {
        let v1::ResolveRequest { org_id, kind, key, at } = message;
        Ok(Self {
            org_id: org_id.map(OrgId),
            kind: named(kind).within("kind")?,
            key: named(key).within("key")?,
            at: timestamp_from_wire(at, "at")?,
        })
    }
}

impl From<&AlertSubject> for v1::AlertSubject {
    fn from(AlertSubject { id, name }: &AlertSubject) -> Self {
        Self {
            id: id.clone(),
            name: name.clone(),
        }
    }
}

impl From<v1::AlertSubject> for AlertSubject {
    fn from(v1::AlertSubject { id, name }: v1::AlertSubject) -> Self {
        Self { id, name }
    }
}

fn ending_to_wire(ending: Ending) -> v1::AlertEnding {
    match ending {
        Ending::Reported => v1::AlertEnding::Reported,
        Ending::Quiet => v1::AlertEnding::Quiet,
    }
}

/// An ending that a later version knows is the usual one here: an alert is never refused for it.
fn ending_from_wire(ending: i32) -> Option<Ending> {
    match v1::AlertEnding::try_from(ending) {
        Ok(v1::AlertEnding::Reported) => Some(Ending::Reported),
        Ok(v1::AlertEnding::Quiet) => Some(Ending::Quiet),
        Ok(v1::AlertEnding::Unspecified) | Err(_) => None,
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

#[cfg(test)]
mod tests {
    use ig_core::id::IntegrationId;

    use super::*;

    fn report(details: AlertDetails) -> AlertReport {
        AlertReport {
            alert: Alert {
                org_id: Some(OrgId(7)),
                kind: "circuit-open".to_owned(),
                key: "k".to_owned(),
                severity: Severity::Critical,
                message: "m".to_owned(),
                at: chrono::DateTime::UNIX_EPOCH,
            },
            details,
        }
    }

    #[test]
    fn report_is_the_same_after_a_call_and_one_of_an_earlier_sender_has_no_details() {
        let details = AlertDetails {
            subject: Some(AlertSubject {
                id: "i".to_owned(),
                name: "n".to_owned(),
            }),
            integration: Some(IntegrationId([3; 12])),
            unit: Some(Rid(4)),
            waiting: Some(u64::MAX),
            last_error: Some("e".to_owned()),
            ending: Some(Ending::Reported),
        };
        for report in [report(details), report(AlertDetails::default())] {
            assert_eq!(AlertReport::try_from(v1::RaiseRequest::from(&report)), Ok(report));
        }
        let later = v1::RaiseRequest {
            ending: Some(99),
            ..v1::RaiseRequest::from(&report(AlertDetails::default()))
        };
        assert_eq!(
            AlertReport::try_from(later),
            Ok(report(AlertDetails::default())),
            "it is not refused"
        );
    }

    #[test]
    fn end_is_the_same_after_a_call_and_needs_a_key() {
        let end = AlertEnd {
            org_id: None,
            kind: "circuit-open".to_owned(),
            key: "k".to_owned(),
            at: chrono::DateTime::UNIX_EPOCH,
        };
        let request = v1::ResolveRequest::from(&end);
        assert_eq!(AlertEnd::try_from(request.clone()), Ok(end));
        let nameless = v1::ResolveRequest {
            key: String::new(),
            ..request
        };
        assert_eq!(AlertEnd::try_from(nameless).unwrap_err().field(), "key");
    }
}
