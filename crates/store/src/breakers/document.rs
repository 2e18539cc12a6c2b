//! A breaker as stored.

use ig_core::breaker::{Breaker, Circuit, CountedFailure, Opened, Probe, ProbeId};
use ig_core::id::{IntegrationId, OrgId};
use ig_core::message::MessageId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BreakerDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    version: i64,
    opened: Option<OpenedDocument>,
    probe: Option<ProbeDocument>,
    row: Vec<CountedDocument>,
    #[serde(default, skip_serializing)]
    delivered_at: Option<bson::DateTime>,
    remembered: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenedDocument {
    since: bson::DateTime,
    reason: String,
    tried_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProbeDocument {
    id: i64,
    owner: String,
    message: String,
    expires_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct CountedDocument {
    message: String,
    at: bson::DateTime,
}

impl BreakerDocument {
    pub(super) fn new(org: OrgId, id: IntegrationId, breaker: &Breaker) -> Self {
        let Breaker {
            version,
            circuit,
            failure_streak,
            delivered_at: _,
            recently_counted,
        } = breaker;
        let (opened, probe) = match circuit {
            Circuit::Closed => (None, None),
            Circuit::Open(opened) => (Some(opened.into()), None),
            Circuit::HalfOpen { opened, probe } => (Some(opened.into()), Some(probe.into())),
        };
        Self {
            id: object_id(id.0),
            org_id: org.0,
            version: long(*version),
            opened,
            probe,
            row: failure_streak.iter().map(CountedDocument::from).collect(),
            delivered_at: None,
            remembered: recently_counted.iter().map(MessageId::to_string).collect(),
        }
    }

    pub(super) fn read(self) -> Result<Breaker, StoreError> {
        let opened = self.opened.map(OpenedDocument::read);
        let probe = self.probe.map(ProbeDocument::read).transpose()?;
        Ok(Breaker {
            version: unsigned(self.version),
            circuit: match (opened, probe) {
                (None, _) => Circuit::Closed,
                (Some(opened), None) => Circuit::Open(opened),
                (Some(opened), Some(probe)) => Circuit::HalfOpen { opened, probe },
            },
            failure_streak: self.row.into_iter().map(CountedDocument::read).collect::<Result<_, _>>()?,
            delivered_at: self.delivered_at.map(timestamp),
            recently_counted: self.remembered.iter().map(|text| message(text)).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Opened> for OpenedDocument {
    fn from(opened: &Opened) -> Self {
        let Opened { since, reason, tried_at } = opened;
        Self {
            since: date(*since),
            reason: reason.clone(),
            tried_at: date(*tried_at),
        }
    }
}

impl OpenedDocument {
    fn read(self) -> Opened {
        Opened {
            since: timestamp(self.since),
            reason: self.reason,
            tried_at: timestamp(self.tried_at),
        }
    }
}

impl From<&Probe> for ProbeDocument {
    fn from(probe: &Probe) -> Self {
        let Probe {
            id,
            owner,
            message,
            expires_at,
        } = probe;
        Self {
            id: long(id.0),
            owner: owner.clone(),
            message: message.to_string(),
            expires_at: date(*expires_at),
        }
    }
}

impl ProbeDocument {
    fn read(self) -> Result<Probe, StoreError> {
        Ok(Probe {
            id: ProbeId(unsigned(self.id)),
            owner: self.owner,
            message: message(&self.message)?,
            expires_at: timestamp(self.expires_at),
        })
    }
}

impl From<&CountedFailure> for CountedDocument {
    fn from(counted: &CountedFailure) -> Self {
        let CountedFailure { message, at } = counted;
        Self {
            message: message.to_string(),
            at: date(*at),
        }
    }
}

impl CountedDocument {
    fn read(self) -> Result<CountedFailure, StoreError> {
        Ok(CountedFailure {
            message: message(&self.message)?,
            at: timestamp(self.at),
        })
    }
}

fn message(text: &str) -> Result<MessageId, StoreError> {
    text.parse().map_err(|_| unreadable("message"))
}
