//! `Opsgenie`'s Alert API. The fingerprint is the alias, by which `Opsgenie` recognises an alert.
//!
//! Source: <https://docs.opsgenie.com/docs/alert-api>.

use ig_core::alert::Severity;
use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};
use ig_core::secret::Secret;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};
use crate::message::{Notice, NoticeKind, capped_bytes, facts, headline, org_name, plain};

const US_ADDRESS: &str = "https://api.opsgenie.com";
const SOURCE: &str = "Integration Gateway";
/// `Opsgenie`'s limits; it counts characters, and bytes are never fewer.
const MAX_MESSAGE_BYTES: usize = 130;
const MAX_DESCRIPTION_BYTES: usize = 15_000;

/// An account of `Opsgenie`, by the key of an API integration.
#[derive(Debug, Clone)]
pub struct Opsgenie {
    endpoint: Endpoint,
}

impl Opsgenie {
    /// An account by its key, at the address of the United States' region or another, such as `https://api.eu.opsgenie.com`.
    pub fn new(api_key: &Secret, address: Option<&TargetUrl>) -> Result<Self, Faults> {
        if api_key.expose().is_empty() {
            return Err(Faults::single("/apiKey", "must not be empty"));
        }
        let value = format!("GenieKey {}", api_key.expose());
        let auth = OutgoingAuth::CustomHeaders {
            headers: vec![("Authorization".to_owned(), Secret::new(value))],
        };
        let endpoint = match address {
            Some(address) => Endpoint::new(address, &auth, None)?,
            None => Endpoint::new(&US_ADDRESS.parse()?, &auth, None)?,
        };
        Ok(Self {
            endpoint: endpoint.hiding(api_key.expose()),
        })
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        let (alert, verb) = match &notice.kind {
            NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Digest(_) | NoticeKind::Test => (created(notice), None),
            NoticeKind::Acknowledged { by } => {
                let note = capped_bytes(&headline(notice), MAX_DESCRIPTION_BYTES);
                let user = capped_bytes(by.as_str(), 100);
                (json!({ "user": user, "source": SOURCE, "note": note }), Some("acknowledge"))
            }
            NoticeKind::Resolved => (json!({ "source": SOURCE, "note": plain_capped(notice) }), Some("close")),
        };
        let outgoing = Outgoing::post(alert);
        let path = verb.map(|verb| format!("/v2/alerts/{}/{verb}", notice.key()));
        let outgoing = match &path {
            Some(path) => outgoing.at(path, "identifierType=alias"),
            None => outgoing.at("/v2/alerts", ""),
        };
        let at = self.endpoint.send(outgoing, exits).await?;
        Ok(Sent::complete(at))
    }
}

fn created(notice: &Notice) -> Value {
    let mut details: Map<_, _> = facts(notice)
        .into_iter()
        .map(|fact| (fact.name.to_owned(), fact.value.into()))
        .collect();
    for (title, link) in notice.links.titled() {
        details.insert(title.to_owned(), link.as_str().into());
    }
    json!({
        "message": capped_bytes(&headline(notice), MAX_MESSAGE_BYTES),
        "alias": notice.key().as_str(),
        "description": plain_capped(notice),
        "entity": notice.subject.name.as_str(),
        "source": SOURCE,
        "tags": [notice.kind.as_str(), capped_bytes(notice.alert_kind.as_str(), 50), capped_bytes(org_name(notice.org.as_ref()), 50)],
        "details": details,
        "priority": priority(notice),
    })
}

fn plain_capped(notice: &Notice) -> String {
    capped_bytes(&plain(notice), MAX_DESCRIPTION_BYTES)
}

fn priority(notice: &Notice) -> &'static str {
    match (&notice.kind, notice.severity) {
        (NoticeKind::Test, _) | (_, Severity::Info) => "P5",
        (_, Severity::Warning) => "P3",
        (_, Severity::Critical) => "P1",
    }
}
