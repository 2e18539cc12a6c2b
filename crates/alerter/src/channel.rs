//! The ways on which a notice reaches people: e-mail, chat, on-call services, webhooks.
//!
//! A channel is checked when it is made and sends one notice at a time, once. What follows from a failure is the caller's: a
//! [`SendError`] says whether trying again makes sense, and [`next_attempt`] says when. HTTP channels go to addresses that tenants chose,
//! so they leave through the guarded exit of `ig-delivery`; mail goes to the platform's own server.

mod alertmanager;
mod email;
mod endpoint;
mod exits;
mod heartbeat;
mod opsgenie;
mod outcome;
mod pager_duty;
mod retry;
mod slack;
mod teams;
mod webhook;

pub use alertmanager::Alertmanager;
pub use email::{Attachment, BadRecipient, Email, Mail, Mailer, Recipient, SmtpConfig, SmtpSecurity, TooLarge};
pub use exits::Exits;
pub use heartbeat::{Heartbeat, HeartbeatMethod};
pub use opsgenie::Opsgenie;
pub use outcome::{SendError, Sent, Undelivered};
pub use pager_duty::PagerDuty;
pub use retry::{NextAttempt, default_policy, next_attempt};
pub use slack::Slack;
pub use teams::Teams;
pub use webhook::Webhook;

use crate::message::Notice;

/// A way on which notices reach people, with its settings.
#[derive(Debug, Clone)]
pub enum Channel {
    /// Mail to one or more recipients.
    Email(Email),
    /// An incoming webhook of Slack.
    Slack(Slack),
    /// A workflow's webhook of Microsoft Teams.
    Teams(Teams),
    /// A signed webhook.
    Webhook(Webhook),
    /// `PagerDuty`, through its Events API v2.
    PagerDuty(PagerDuty),
    /// `Opsgenie`, through its Alert API.
    Opsgenie(Opsgenie),
    /// Alertmanager, through its API v2.
    Alertmanager(Alertmanager),
    /// A dead man's switch, which alarms when it is no longer called.
    Heartbeat(Heartbeat),
}

impl Channel {
    /// Sends a notice once. A repetition under the same notice identifier can be recognised by its receiver.
    pub async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        match self {
            Self::Email(channel) => channel.send(notice, exits).await,
            Self::Slack(channel) => channel.send(notice, exits).await,
            Self::Teams(channel) => channel.send(notice, exits).await,
            Self::Webhook(channel) => channel.send(notice, exits).await,
            Self::PagerDuty(channel) => channel.send(notice, exits).await,
            Self::Opsgenie(channel) => channel.send(notice, exits).await,
            Self::Alertmanager(channel) => channel.send(notice, exits).await,
            Self::Heartbeat(channel) => channel.beat(exits).await,
        }
    }

    /// The kind of channel in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "EMAIL",
            Self::Slack(_) => "SLACK",
            Self::Teams(_) => "TEAMS",
            Self::Webhook(_) => "WEBHOOK",
            Self::PagerDuty(_) => "PAGER_DUTY",
            Self::Opsgenie(_) => "OPSGENIE",
            Self::Alertmanager(_) => "ALERTMANAGER",
            Self::Heartbeat(_) => "HEARTBEAT",
        }
    }
}
