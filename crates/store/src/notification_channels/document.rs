//! A channel as stored, with its secrets sealed.

use std::time::Duration;

use ig_core::alert::{ChannelId, ChannelSettings, HeartbeatRequest, NotificationChannel};
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::alerts::small;
use crate::error::unreadable;
use crate::field::{date, long, millis, object_id, timestamp, unsigned};
use crate::secret_sealer::{SecretError, SecretSealer};

pub(super) const HEARTBEAT: &str = "HEARTBEAT";
const BY_GET: &str = "GET";
const BY_POST: &str = "POST";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: Option<i64>,
    name: String,
    is_active: bool,
    max_per_hour: i64,
    kind: String,
    recipients: Option<Vec<String>>,
    /// An address that is no secret.
    address: Option<String>,
    /// The secret address or key, sealed.
    secret: Option<String>,
    /// Sealed.
    signing_secrets: Option<Vec<String>>,
    headers: Option<Vec<HeaderDocument>>,
    method: Option<String>,
    every_ms: Option<i64>,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct HeaderDocument {
    name: String,
    /// Sealed.
    value: String,
}

/// Seals and opens the secrets of one channel.
struct Seal<'a> {
    sealer: &'a SecretSealer,
    id: ChannelId,
}

impl Seal<'_> {
    fn owner(&self, field: &str) -> String {
        format!("notification_channels/{}/{field}", self.id)
    }

    fn seal(&self, field: &str, secret: &Secret) -> Result<String, StoreError> {
        let sealed = self.sealer.seal(secret.expose(), &self.owner(field));
        sealed.map_err(|error| refused(&error))
    }

    fn open(&self, field: &str, sealed: &str) -> Result<Secret, StoreError> {
        let opened = self.sealer.open(sealed, &self.owner(field));
        opened.map(Secret::new).map_err(|error| refused(&error))
    }

    fn open_given(&self, field: &'static str, sealed: Option<&String>) -> Result<Secret, StoreError> {
        self.open(field, sealed.ok_or_else(|| unreadable(field))?)
    }

    fn seal_headers(&self, headers: Vec<(String, Secret)>) -> Result<Vec<HeaderDocument>, StoreError> {
        let sealed = headers.into_iter().map(|(name, value)| {
            let value = self.seal("header", &value)?;
            Ok(HeaderDocument { name, value })
        });
        sealed.collect()
    }

    fn open_headers(&self, headers: Option<Vec<HeaderDocument>>) -> Result<Vec<(String, Secret)>, StoreError> {
        let opened = headers.unwrap_or_default().into_iter().map(|HeaderDocument { name, value }| {
            let value = self.open("header", &value)?;
            Ok((name, value))
        });
        opened.collect()
    }
}

fn refused(error: &SecretError) -> StoreError {
    StoreError::Refused(error.to_string())
}

impl ChannelDocument {
    /// Seals the secrets of a channel.
    pub(super) fn seal(channel: &NotificationChannel, sealer: &SecretSealer) -> Result<Self, StoreError> {
        let NotificationChannel {
            id,
            org_id,
            name,
            is_active,
            max_per_hour,
            settings,
            revision,
            created_at,
            updated_at,
        } = channel.clone();
        let document = Self {
            id: object_id(id.0),
            org_id: org_id.map(|org| org.0),
            name,
            is_active,
            max_per_hour: i64::from(max_per_hour),
            kind: settings.kind().to_owned(),
            recipients: None,
            address: None,
            secret: None,
            signing_secrets: None,
            headers: None,
            method: None,
            every_ms: None,
            revision: long(revision),
            created_at: date(created_at),
            updated_at: date(updated_at),
        };
        document.with_settings(settings, &Seal { sealer, id })
    }

    fn with_settings(mut self, settings: ChannelSettings, seal: &Seal<'_>) -> Result<Self, StoreError> {
        match settings {
            ChannelSettings::Email { recipients } => self.recipients = Some(recipients),
            ChannelSettings::Slack { url } | ChannelSettings::Teams { url } => self.secret = Some(seal.seal("secret", &url)?),
            ChannelSettings::Webhook {
                url,
                signing_secrets,
                headers,
            } => {
                let signing = signing_secrets.iter().map(|secret| seal.seal("signing", secret));
                self.signing_secrets = Some(signing.collect::<Result<_, _>>()?);
                self.headers = Some(seal.seal_headers(headers)?);
                self.address = Some(url);
            }
            ChannelSettings::PagerDuty {
                routing_key: key,
                address,
            }
            | ChannelSettings::Opsgenie { api_key: key, address } => {
                self.secret = Some(seal.seal("secret", &key)?);
                self.address = address;
            }
            ChannelSettings::Alertmanager { url, headers } => {
                self.headers = Some(seal.seal_headers(headers)?);
                self.address = Some(url);
            }
            ChannelSettings::Heartbeat { url, request, every } => {
                self.secret = Some(seal.seal("secret", &url)?);
                self.method = Some(method(request).to_owned());
                self.every_ms = Some(millis(every));
            }
        }
        Ok(self)
    }

    pub(super) fn id(&self) -> ChannelId {
        ChannelId(self.id.bytes())
    }

    pub(super) fn org(&self) -> Option<OrgId> {
        self.org_id.map(OrgId)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Opens the secrets of a channel.
    pub(super) fn open(self, sealer: &SecretSealer) -> Result<NotificationChannel, StoreError> {
        let (id, org_id) = (self.id(), self.org());
        let seal = Seal { sealer, id };
        Ok(NotificationChannel {
            id,
            org_id,
            name: self.name.clone(),
            is_active: self.is_active,
            max_per_hour: small(self.max_per_hour),
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
            settings: self.settings(&seal)?,
        })
    }

    fn settings(self, seal: &Seal<'_>) -> Result<ChannelSettings, StoreError> {
        let secret = || seal.open_given("secret", self.secret.as_ref());
        let settings = match self.kind.as_str() {
            "EMAIL" => ChannelSettings::Email {
                recipients: self.recipients.unwrap_or_default(),
            },
            "SLACK" => ChannelSettings::Slack { url: secret()? },
            "TEAMS" => ChannelSettings::Teams { url: secret()? },
            "WEBHOOK" => {
                let signing = self.signing_secrets.unwrap_or_default();
                let signing = signing.iter().map(|sealed| seal.open("signing", sealed));
                ChannelSettings::Webhook {
                    url: self.address.ok_or_else(|| unreadable("address"))?,
                    signing_secrets: signing.collect::<Result<_, _>>()?,
                    headers: seal.open_headers(self.headers)?,
                }
            }
            "PAGER_DUTY" => ChannelSettings::PagerDuty {
                routing_key: secret()?,
                address: self.address,
            },
            "OPSGENIE" => ChannelSettings::Opsgenie {
                api_key: secret()?,
                address: self.address,
            },
            "ALERTMANAGER" => ChannelSettings::Alertmanager {
                url: self.address.ok_or_else(|| unreadable("address"))?,
                headers: seal.open_headers(self.headers)?,
            },
            HEARTBEAT => ChannelSettings::Heartbeat {
                url: secret()?,
                request: request(self.method.as_deref()),
                every: Duration::from_millis(self.every_ms.map_or(0, unsigned)),
            },
            _ => return Err(unreadable("kind")),
        };
        Ok(settings)
    }
}

fn method(request: HeartbeatRequest) -> &'static str {
    match request {
        HeartbeatRequest::Get => BY_GET,
        HeartbeatRequest::Post => BY_POST,
    }
}

fn request(method: Option<&str>) -> HeartbeatRequest {
    match method {
        Some(BY_POST) => HeartbeatRequest::Post,
        Some(_) | None => HeartbeatRequest::Get,
    }
}
