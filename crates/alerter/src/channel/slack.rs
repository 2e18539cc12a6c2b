//! Slack's incoming webhooks.

use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};
use crate::message::{Notice, slack};

/// An incoming webhook of Slack, or of a service that takes the same messages.
#[derive(Debug, Clone)]
pub struct Slack {
    endpoint: Endpoint,
}

impl Slack {
    /// A webhook by its address, which is a secret.
    pub fn new(url: &TargetUrl) -> Result<Self, Faults> {
        let endpoint = Endpoint::new(url, &OutgoingAuth::None, None)?;
        Ok(Self { endpoint })
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        let at = self.endpoint.send(Outgoing::post(slack(notice)), exits).await?;
        Ok(Sent::complete(at))
    }
}
