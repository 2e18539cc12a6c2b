//! Alertmanager's API v2, for those who have their own routes there.
//!
//! Source: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};
use super::webhook::written;
use crate::message::{Notice, NoticeKind, headline, short};

/// Alertmanager resolves an alert at its end. Without one it would after a few minutes, long before the next repetition.
const OPEN_FOR: Duration = Duration::from_hours(24);
const TEST_FOR: Duration = Duration::from_mins(5);

/// An Alertmanager.
#[derive(Debug, Clone)]
pub struct Alertmanager {
    endpoint: Endpoint,
}

impl Alertmanager {
    /// An Alertmanager by its base address, such as `https://alerts.example.org`, and what it asks for; OAuth 2.0 is a fault.
    pub fn new(url: &TargetUrl, auth: &OutgoingAuth) -> Result<Self, Faults> {
        let endpoint = Endpoint::new(url, auth, None)?;
        Ok(Self { endpoint })
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        let outgoing = Outgoing::post(json!([alert(notice)])).at("/api/v2/alerts", "");
        let at = self.endpoint.send(outgoing, exits).await?;
        Ok(Sent::complete(at))
    }
}

/// The labels identify an alert, so they hold nothing that may change while it is open, such as a name.
fn alert(notice: &Notice) -> Value {
    let org = notice
        .org
        .as_ref()
        .map_or_else(|| "platform".to_owned(), |org| org.id.to_string());
    let mut alert = json!({
        "labels": {
            "alertname": notice.alert_kind.as_str(),
            "severity": notice.severity.as_str().to_lowercase(),
            "org": org,
            "subject": notice.subject.id.as_str(),
            "fingerprint": notice.key().as_str(),
            "job": "integration-gateway",
        },
        "annotations": annotations(notice),
        "startsAt": written(notice.since),
        "endsAt": written(ends_at(notice)),
    });
    if let (Some(fields), Some(console)) = (alert.as_object_mut(), &notice.links.console) {
        fields.insert("generatorURL".to_owned(), console.as_str().into());
    }
    alert
}

fn annotations(notice: &Notice) -> Value {
    let mut annotations = json!({
        "summary": headline(notice),
        "description": short(notice),
        "subject_name": notice.subject.name.as_str(),
        "next_step": notice.diagnosis.next_step.as_str(),
        "count": notice.count.to_string(),
    });
    let texts = [
        ("org_name", notice.org.as_ref().map(|org| org.name.to_string())),
        ("waiting", notice.waiting.map(|waiting| waiting.to_string())),
        ("last_error", notice.last_error.as_ref().map(ToString::to_string)),
        ("runbook_url", notice.links.runbook.as_ref().map(ToString::to_string)),
        ("acknowledged_by", acknowledged_by(notice)),
    ];
    if let Some(fields) = annotations.as_object_mut() {
        let known = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
        fields.extend(known);
    }
    annotations
}

fn acknowledged_by(notice: &Notice) -> Option<String> {
    match &notice.kind {
        NoticeKind::Acknowledged { by } => Some(by.to_string()),
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Resolved | NoticeKind::Digest(_) | NoticeKind::Test => None,
    }
}

/// An end before the start would be refused.
fn ends_at(notice: &Notice) -> Timestamp {
    let last_seen = notice.last_seen.max(notice.since);
    match notice.kind {
        NoticeKind::Resolved => last_seen,
        NoticeKind::Test => last_seen + TEST_FOR,
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Acknowledged { .. } | NoticeKind::Digest(_) => {
            last_seen + OPEN_FOR
        }
    }
}
