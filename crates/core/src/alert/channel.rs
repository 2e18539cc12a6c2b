//! The channels that notices go to, as people set them up.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{IntegrationId, NotAnObjectId, OrgId};
use crate::secret::Secret;

/// The most notices that a channel takes in an hour, where nothing else is set.
pub const DEFAULT_MAX_PER_HOUR: u32 = 60;

/// A channel's identifier: 24 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub [u8; 12]);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IntegrationId(self.0).fmt(f)
    }
}

impl FromStr for ChannelId {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        text.parse().map(|IntegrationId(bytes)| Self(bytes))
    }
}

/// How a dead man's switch is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatRequest {
    /// By a GET.
    Get,
    /// By an empty POST.
    Post,
}

/// The settings of a channel. An address that is itself a credential is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelSettings {
    /// Mail.
    Email {
        /// The recipients' addresses.
        recipients: Vec<String>,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Its address.
        url: Secret,
    },
    /// A workflow's webhook of Microsoft Teams.
    Teams {
        /// Its address.
        url: Secret,
    },
    /// A signed webhook.
    Webhook {
        /// Its address.
        url: String,
        /// The signing secrets, the primary one first.
        signing_secrets: Vec<Secret>,
        /// Headers that authenticate the request.
        headers: Vec<(String, Secret)>,
    },
    /// `PagerDuty`, through its Events API v2.
    PagerDuty {
        /// The integration's key.
        routing_key: Secret,
        /// The API's address, where it is not the usual one.
        address: Option<String>,
    },
    /// `Opsgenie`, through its Alert API.
    Opsgenie {
        /// The integration's key.
        api_key: Secret,
        /// The API's address, where it is not the usual one.
        address: Option<String>,
    },
    /// Alertmanager, through its API v2.
    Alertmanager {
        /// Its base address.
        url: String,
        /// Headers that authenticate the request.
        headers: Vec<(String, Secret)>,
    },
    /// A dead man's switch, which alarms when it is no longer called.
    Heartbeat {
        /// Its address.
        url: Secret,
        /// How it is called.
        request: HeartbeatRequest,
        /// How often it is called.
        every: Duration,
    },
}

impl ChannelSettings {
    /// The kind of channel in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Email { .. } => "EMAIL",
            Self::Slack { .. } => "SLACK",
            Self::Teams { .. } => "TEAMS",
            Self::Webhook { .. } => "WEBHOOK",
            Self::PagerDuty { .. } => "PAGER_DUTY",
            Self::Opsgenie { .. } => "OPSGENIE",
            Self::Alertmanager { .. } => "ALERTMANAGER",
            Self::Heartbeat { .. } => "HEARTBEAT",
        }
    }
}

/// A channel of an organisation, or of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationChannel {
    /// Its identifier.
    pub id: ChannelId,
    /// The tenant; `None` for the platform.
    pub org_id: Option<OrgId>,
    /// Its name.
    pub name: String,
    /// Whether notices go to it.
    pub is_active: bool,
    /// The most notices that it takes in an hour; resolved and acknowledged ones are not held.
    pub max_per_hour: u32,
    /// Its settings.
    pub settings: ChannelSettings,
    /// Rises with every change.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
