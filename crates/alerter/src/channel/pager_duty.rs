//! `PagerDuty`'s Events API v2.
//!
//! Source: <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>.

use ig_core::alert::Severity;
use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};
use ig_core::secret::Secret;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};
use super::webhook::written;
use crate::message::{Notice, NoticeKind, facts, org_name, short};

const ADDRESS: &str = "https://events.pagerduty.com/v2/enqueue";
/// What a routing key consists of, and how long it may be; today's have 32 characters.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 16..=64;

/// A service of `PagerDuty`, by its routing key.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    endpoint: Endpoint,
    routing_key: Secret,
}

impl PagerDuty {
    /// A service by its routing key, at `PagerDuty`'s address or another, such as that of its European region.
    pub fn new(routing_key: Secret, address: Option<&TargetUrl>) -> Result<Self, Faults> {
        let key = routing_key.expose();
        if !KEY_LENGTH.contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Faults::single("/routingKey", "must be 16 to 64 letters and digits"));
        }
        let endpoint = match address {
            Some(address) => Endpoint::new(address, &OutgoingAuth::None, None)?,
            None => Endpoint::new(&ADDRESS.parse()?, &OutgoingAuth::None, None)?,
        };
        Ok(Self {
            endpoint: endpoint.hiding(key),
            routing_key,
        })
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        let mut event = json!({
            "routing_key": self.routing_key.expose(),
            "event_action": action(&notice.kind),
            "dedup_key": notice.key().as_str(),
        });
        if let ("trigger", Some(fields)) = (action(&notice.kind), event.as_object_mut()) {
            describe(notice, fields);
        }
        let at = self.endpoint.send(Outgoing::post(event), exits).await?;
        Ok(Sent::complete(at))
    }
}

fn action(kind: &NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Digest(_) | NoticeKind::Test => "trigger",
        NoticeKind::Acknowledged { .. } => "acknowledge",
        NoticeKind::Resolved => "resolve",
    }
}

/// What a trigger has beyond its key.
fn describe(notice: &Notice, fields: &mut Map<String, Value>) {
    let details: Map<_, _> = facts(notice)
        .into_iter()
        .map(|fact| (fact.name.to_owned(), fact.value.into()))
        .collect();
    let payload = json!({
        "summary": short(notice),
        "source": org_name(notice.org.as_ref()),
        "severity": severity(notice),
        "timestamp": written(notice.last_seen),
        "component": notice.subject.name.as_str(),
        "group": org_name(notice.org.as_ref()),
        "class": notice.alert_kind.as_str(),
        "custom_details": details,
    });
    let links: Vec<_> = notice
        .links
        .titled()
        .into_iter()
        .map(|(title, link)| json!({ "href": link.as_str(), "text": title }))
        .collect();
    fields.insert("payload".to_owned(), payload);
    fields.insert("client".to_owned(), "Integration Gateway".into());
    if let Some(console) = &notice.links.console {
        fields.insert("client_url".to_owned(), console.as_str().into());
    }
    fields.insert("links".to_owned(), links.into());
}

fn severity(notice: &Notice) -> &'static str {
    match (&notice.kind, notice.severity) {
        (NoticeKind::Test, _) | (_, Severity::Info) => "info",
        (_, Severity::Warning) => "warning",
        (_, Severity::Critical) => "critical",
    }
}
