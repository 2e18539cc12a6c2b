//! Sending a notice through a channel as people set it up.

use async_trait::async_trait;
use ig_core::alert::{ChannelSettings, HeartbeatRequest, NotificationChannel};
use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, Signing, SigningSecret, TargetUrl};
use ig_core::secret::Secret;

use crate::channel::{
    Alertmanager, Channel, Email, Exits, Heartbeat, HeartbeatMethod, Opsgenie, PagerDuty, Recipient, SendError, Sent, Slack,
    Teams, Webhook,
};
use crate::message::Notice;

/// Sends notices; a fake one records them.
#[async_trait]
pub trait ChannelSender: Send + Sync {
    /// Sends a notice once, to the remaining recipients where some of them have it already.
    async fn send(&self, channel: &NotificationChannel, remaining: Option<&[String]>, notice: &Notice)
    -> Result<Sent, SendError>;
}

/// The channels of the outside world.
#[derive(Debug, Clone)]
pub struct OutsideChannels {
    exits: Exits,
}

impl OutsideChannels {
    /// Sends through these exits.
    pub fn new(exits: Exits) -> Self {
        Self { exits }
    }
}

#[async_trait]
impl ChannelSender for OutsideChannels {
    async fn send(
        &self,
        channel: &NotificationChannel,
        remaining: Option<&[String]>,
        notice: &Notice,
    ) -> Result<Sent, SendError> {
        let settings = match (&channel.settings, remaining) {
            (ChannelSettings::Email { .. }, Some(recipients)) => &ChannelSettings::Email {
                recipients: recipients.to_vec(),
            },
            (settings, _) => settings,
        };
        let compiled = compile(settings).map_err(|faults| SendError::Permanent {
            why: format!("The channel is not set up correctly: {faults}"),
        })?;
        compiled.send(notice, &self.exits).await
    }
}

/// A channel from its settings; faults point at the settings, such as `/url`.
pub fn compile(settings: &ChannelSettings) -> Result<Channel, Faults> {
    Ok(match settings {
        ChannelSettings::Email { recipients } => Channel::Email(email(recipients)?),
        ChannelSettings::Slack { url } => Channel::Slack(Slack::new(&secret_address(url)?)?),
        ChannelSettings::Teams { url } => Channel::Teams(Teams::new(&secret_address(url)?)?),
        ChannelSettings::Webhook {
            url,
            signing_secrets,
            headers,
        } => Channel::Webhook(Webhook::new(&address(url)?, signing(signing_secrets)?, &auth(headers))?),
        ChannelSettings::PagerDuty { routing_key, address } => Channel::PagerDuty(PagerDuty::new(
            routing_key.clone(),
            other_address(address.as_deref())?.as_ref(),
        )?),
        ChannelSettings::Opsgenie { api_key, address } => {
            Channel::Opsgenie(Opsgenie::new(api_key, other_address(address.as_deref())?.as_ref())?)
        }
        ChannelSettings::Alertmanager { url, headers } => {
            Channel::Alertmanager(Alertmanager::new(&address(url)?, &auth(headers))?)
        }
        ChannelSettings::Heartbeat { url, request, every: _ } => {
            Channel::Heartbeat(Heartbeat::new(&secret_address(url)?, method(*request))?)
        }
    })
}

fn email(recipients: &[String]) -> Result<Email, Faults> {
    let read = recipients.iter().enumerate().map(|(number, recipient)| {
        let fault = |_| Faults::single(format!("/recipients/{number}"), "must be an e-mail address");
        recipient.parse::<Recipient>().map_err(fault)
    });
    Email::new(read.collect::<Result<Vec<_>, _>>()?)
}

fn signing(secrets: &[Secret]) -> Result<Signing, Faults> {
    let parsed = secrets.iter().map(|secret| SigningSecret::parse(secret.expose()));
    let signing = parsed.collect::<Result<Vec<_>, _>>().and_then(Signing::new);
    signing.map_err(|inner| below("/signingSecrets", inner))
}

fn auth(headers: &[(String, Secret)]) -> OutgoingAuth {
    if headers.is_empty() {
        return OutgoingAuth::None;
    }
    OutgoingAuth::CustomHeaders {
        headers: headers.to_vec(),
    }
}

fn address(url: &str) -> Result<TargetUrl, Faults> {
    url.parse().map_err(|inner| below("/url", inner))
}

fn secret_address(url: &Secret) -> Result<TargetUrl, Faults> {
    address(url.expose())
}

fn other_address(given: Option<&str>) -> Result<Option<TargetUrl>, Faults> {
    let parsed = given.map(str::parse).transpose();
    parsed.map_err(|inner| below("/address", inner))
}

fn below(pointer: &str, inner: Faults) -> Faults {
    let mut faults = Faults::default();
    faults.add_below(pointer, inner);
    faults
}

fn method(request: HeartbeatRequest) -> HeartbeatMethod {
    match request {
        HeartbeatRequest::Get => HeartbeatMethod::Get,
        HeartbeatRequest::Post => HeartbeatMethod::Post,
    }
}
