//! Works on all channels that are due, each by itself: one that hangs delays no other.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use ig_core::clock::Clock;
use ig_core::dead_letter_retry::ClaimId;
use ig_core::ports::StoreError;
use ig_store::{Notices, QueueClaim};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::channel_run::ChannelRun;

/// The poll interval: other processes add notices too.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a database error.
const ERROR_DELAY: Duration = Duration::from_secs(5);
/// Channels that are worked on at a time.
const MAX_CHANNELS: usize = 64;

/// Claims channels and works on them.
pub(crate) struct Dispatcher {
    notices: Notices,
    run: ChannelRun,
    clock: Arc<dyn Clock>,
    added: Arc<Notify>,
}

impl Dispatcher {
    /// Looks for due channels when `added` says so, and now and then.
    pub(crate) fn new(notices: Notices, run: ChannelRun, clock: Arc<dyn Clock>, added: Arc<Notify>) -> Self {
        Self {
            notices,
            run,
            clock,
            added,
        }
    }

    /// Works until `stop`; then finishes what is being sent.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut working = FuturesUnordered::new();
        while !stop.is_cancelled() {
            let pause = match self.claim(MAX_CHANNELS - working.len()).await {
                Ok(claims) => {
                    working.extend(claims.into_iter().map(|claim| self.work(claim, &stop)));
                    POLL_INTERVAL
                }
                Err(error) => {
                    tracing::warn!(%error, "notices that are due cannot be looked at; trying again");
                    ERROR_DELAY
                }
            };
            // While channels are worked on, looking for others must go on, but not at the pace at which they end.
            let rest = tokio::time::sleep(pause);
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    Some(()) = working.next() => {}
                    () = self.added.notified(), if working.len() < MAX_CHANNELS => break,
                    () = &mut rest => break,
                }
            }
        }
        while working.next().await.is_some() {}
    }

    /// Works once on all channels that are due now.
    pub(crate) async fn pass(&self) -> Result<(), StoreError> {
        let never = CancellationToken::new();
        loop {
            let claims = self.claim(MAX_CHANNELS).await?;
            if claims.is_empty() {
                return Ok(());
            }
            join_all(claims.into_iter().map(|claim| self.work(claim, &never))).await;
        }
    }

    async fn claim(&self, limit: usize) -> Result<Vec<QueueClaim>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let fresh = || ClaimId::random(&mut rand::rng());
        self.notices.claim(fresh, limit, self.clock.now()).await
    }

    async fn work(&self, claim: QueueClaim, stop: &CancellationToken) {
        let channel = claim.channel;
        if let Err(error) = self.run.run(claim, stop).await {
            // The claim ends by itself, and the next holder goes on.
            tracing::warn!(%error, ig.channel.id = %channel, "the notices of a channel cannot be worked on; trying again");
        }
    }
}
