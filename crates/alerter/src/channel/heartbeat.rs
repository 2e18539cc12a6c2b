//! Dead man's switches: services that alarm when nobody calls them any more.

use http::Method;
use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};

use super::endpoint::{Endpoint, Outgoing};
use super::exits::Exits;
use super::outcome::{SendError, Sent};

/// How a dead man's switch is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeartbeatMethod {
    /// GET.
    #[default]
    Get,
    /// POST, without a body.
    Post,
}

/// A dead man's switch.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    endpoint: Endpoint,
    method: Method,
}

impl Heartbeat {
    /// A dead man's switch by its address, which is usually a secret.
    pub fn new(url: &TargetUrl, method: HeartbeatMethod) -> Result<Self, Faults> {
        Ok(Self {
            endpoint: Endpoint::new(url, &OutgoingAuth::None, None)?,
            method: match method {
                HeartbeatMethod::Get => Method::GET,
                HeartbeatMethod::Post => Method::POST,
            },
        })
    }

    /// Calls it once. It says nothing of any alert: that it is called is what counts.
    pub async fn beat(&self, exits: &Exits) -> Result<Sent, SendError> {
        let at = self.endpoint.send(Outgoing::empty(self.method.clone()), exits).await?;
        Ok(Sent::complete(at))
    }
}
