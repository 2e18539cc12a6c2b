//! Channels that record what they are told, or fail as a test wants.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ig_alerter::ChannelSender;
use ig_alerter::channel::{SendError, Sent};
use ig_alerter::message::{Notice, NoticeId, plain};
use ig_core::alert::{ChannelId, NotificationChannel};
use ig_testkit::clock::moment;
use tonic::async_trait;

/// How a channel behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// It takes notices.
    Takes,
    /// It is away for the time being.
    Away,
    /// It refuses for good.
    Refuses,
    /// It never answers.
    Hangs,
}

/// One attempt to send a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) channel: ChannelId,
    pub(crate) id: NoticeId,
    /// What the notice tells, and of what.
    pub(crate) told: String,
    /// The whole notice.
    pub(crate) text: String,
    pub(crate) taken: bool,
}

#[derive(Debug, Default)]
pub(crate) struct FakeChannels {
    behaviours: Mutex<HashMap<ChannelId, Behaviour>>,
    attempts: Mutex<Vec<Attempt>>,
}

impl FakeChannels {
    pub(crate) fn set(&self, channel: ChannelId, behaviour: Behaviour) {
        let mut behaviours = self.behaviours.lock().unwrap_or_else(PoisonError::into_inner);
        behaviours.insert(channel, behaviour);
    }

    /// Every attempt so far.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a channel took, each notice once.
    pub(crate) fn told(&self, channel: ChannelId) -> Vec<String> {
        let mut seen = Vec::new();
        let taken = self
            .attempts()
            .into_iter()
            .filter(|attempt| attempt.taken && attempt.channel == channel);
        let first = taken.filter(|attempt| {
            let is_new = !seen.contains(&attempt.id);
            seen.push(attempt.id.clone());
            is_new
        });
        first.map(|attempt| attempt.told).collect()
    }

    fn behaviour(&self, channel: ChannelId) -> Behaviour {
        let behaviours = self.behaviours.lock().unwrap_or_else(PoisonError::into_inner);
        behaviours.get(&channel).copied().unwrap_or(Behaviour::Takes)
    }
}

#[async_trait]
impl ChannelSender for FakeChannels {
    async fn send(&self, channel: &NotificationChannel, _: Option<&[String]>, notice: &Notice) -> Result<Sent, SendError> {
        let behaviour = self.behaviour(channel.id);
        let attempt = Attempt {
            channel: channel.id,
            id: notice.id(),
            told: format!("{} {}", notice.kind.as_str(), notice.subject.name),
            text: plain(notice),
            taken: behaviour == Behaviour::Takes,
        };
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).push(attempt);
        // A process may die before it learns that a notice was taken.
        tokio::task::yield_now().await;
        match behaviour {
            Behaviour::Takes => Ok(Sent {
                at: moment(0),
                undelivered: Vec::new(),
            }),
            Behaviour::Away => Err(SendError::Transient {
                why: "It is away.".to_owned(),
                retry_after: None,
            }),
            Behaviour::Refuses => Err(SendError::Permanent {
                why: "It knows no such hook.".to_owned(),
            }),
            Behaviour::Hangs => std::future::pending().await,
        }
    }
}
