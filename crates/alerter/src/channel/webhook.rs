//! Signed webhooks, as Standard Webhooks has them.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use chrono::SecondsFormat;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, Signing, TargetUrl};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};
use crate::message::{DigestEntry, Link, Notice, NoticeKind, headline, plain};

/// A webhook that is signed.
#[derive(Debug, Clone)]
pub struct Webhook {
    endpoint: Endpoint,
}

impl Webhook {
    /// A webhook by its address, its signing secrets and what it presents to the address besides; OAuth 2.0 is a fault.
    pub fn new(url: &TargetUrl, signing: Signing, auth: &OutgoingAuth) -> Result<Self, Faults> {
        let endpoint = Endpoint::new(url, auth, Some(signing))?;
        Ok(Self { endpoint })
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        let id = notice.id();
        let at = self.endpoint.send(Outgoing::post(body(notice)).signed(&id), exits).await?;
        Ok(Sent::complete(at))
    }
}

fn body(notice: &Notice) -> Value {
    json!({
        "type": format!("alert.{}", notice.kind.as_str().to_lowercase()),
        "timestamp": written(notice.last_seen),
        "data": data(notice),
    })
}

fn data(notice: &Notice) -> Value {
    let (acknowledged_by, digest) = match &notice.kind {
        NoticeKind::Acknowledged { by } => (Some(by.as_str()), None),
        NoticeKind::Digest(digest) => {
            let entries: Vec<_> = digest.entries().iter().map(entry).collect();
            (None, Some(json!({ "total": digest.total(), "alerts": entries })))
        }
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Resolved | NoticeKind::Test => (None, None),
    };
    json!({
        "fingerprint": notice.key().as_str(),
        "sequence": notice.sequence,
        "orgId": notice.org.as_ref().map(|org| org.id.0),
        "orgName": notice.org.as_ref().map(|org| org.name.as_str()),
        "kind": notice.alert_kind.as_str(),
        "severity": notice.severity.as_str(),
        "subject": { "id": notice.subject.id.as_str(), "name": notice.subject.name.as_str() },
        "since": written(notice.since),
        "lastSeen": written(notice.last_seen),
        "count": notice.count,
        "waiting": notice.waiting,
        "lastError": notice.last_error.as_ref().map(crate::message::MaskedText::as_str),
        "diagnosis": notice.diagnosis.sentence.as_str(),
        "nextStep": notice.diagnosis.next_step.as_str(),
        "acknowledgedBy": acknowledged_by,
        "digest": digest,
        "links": links(notice),
        "headline": headline(notice),
        "text": plain(notice),
    })
}

fn entry(entry: &DigestEntry) -> Value {
    let DigestEntry {
        severity,
        alert_kind,
        subject,
        since,
        count,
    } = entry;
    json!({
        "severity": severity.as_str(),
        "kind": alert_kind.as_str(),
        "subject": subject.as_str(),
        "since": written(*since),
        "count": count,
    })
}

fn links(notice: &Notice) -> Value {
    let address = |link: &Option<Link>| link.as_ref().map(|link| link.as_str().to_owned());
    json!({
        "console": address(&notice.links.console),
        "trace": address(&notice.links.trace),
        "runbook": address(&notice.links.runbook),
    })
}

/// A time as JSON has it here, in UTC and with milliseconds.
pub(super) fn written(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
