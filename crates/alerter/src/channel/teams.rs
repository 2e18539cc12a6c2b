//! Workflows of Microsoft Teams that begin with a webhook request.

use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};
use crate::message::{Notice, teams};

/// A workflow's webhook of Microsoft Teams.
#[derive(Debug, Clone)]
pub struct Teams {
    endpoint: Endpoint,
}

impl Teams {
    /// A webhook by its address, which is a secret.
    pub fn new(url: &TargetUrl) -> Result<Self, Faults> {
        let endpoint = Endpoint::new(url, &OutgoingAuth::None, None)?;
        Ok(Self { endpoint })
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        let at = self.endpoint.send(Outgoing::post(teams(notice)), exits).await?;
        Ok(Sent::complete(at))
    }
}
