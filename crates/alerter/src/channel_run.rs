//! The work on one channel that this process holds: which of its notices go out, and sending them one after the other.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{
    Alert, AlertDetails, AlertEnd, AlertReport, AlertSubject, ChannelSettings, Ending, NOTIFICATION_FAILED, NotificationChannel,
    PaceLimits, Severity, flush,
};
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_store::{FoundChannel, NoticeContent, NoticeEnd, Notices, NotificationChannels, QueueClaim, StoredNotice};
use tokio_util::sync::CancellationToken;

use crate::channel::{NextAttempt, SendError, Sent, default_policy, next_attempt};
use crate::channel_sender::ChannelSender;
use crate::notifier::Notifier;
use crate::wording::Wording;

/// How long one attempt may take, whatever a channel does.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a channel rests that cannot be read.
const UNREADABLE_DELAY: Duration = Duration::from_mins(5);
/// The shortest time between two signs of life.
const MIN_BEAT: Duration = Duration::from_secs(10);
/// How often storing the result of an attempt is tried while the database is away, and the time between two tries.
const SETTLE_TRIES: u32 = 20;
const SETTLE_DELAY: Duration = Duration::from_secs(1);

/// Works on channels.
pub(crate) struct ChannelRun {
    pub(crate) notices: Notices,
    pub(crate) channels: NotificationChannels,
    pub(crate) wording: Wording,
    pub(crate) sender: Arc<dyn ChannelSender>,
    pub(crate) notifier: Notifier,
    pub(crate) group_interval: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What follows from one step.
enum Step {
    /// There may be more to do.
    Again,
    /// There is nothing to do before a time; `None` before a notice is added.
    Rest(Option<Timestamp>),
    /// The channel is gone.
    Gone,
    /// Another process holds the channel.
    Lost,
}

impl ChannelRun {
    /// Works until there is nothing to do now, or `stop` is cancelled, or another process holds the channel.
    pub(crate) async fn run(&self, mut claim: QueueClaim, stop: &CancellationToken) -> Result<(), StoreError> {
        loop {
            let step = if stop.is_cancelled() {
                Step::Rest(Some(self.clock.now()))
            } else {
                self.step(&claim).await?
            };
            match step {
                Step::Rest(next) if self.notices.release(&claim, next, self.clock.now()).await? => return Ok(()),
                Step::Gone if self.notices.forget(&claim).await? => return Ok(()),
                Step::Again | Step::Rest(_) | Step::Gone => {}
                Step::Lost => return Ok(()),
            }
            match self.notices.renew(&claim, self.clock.now()).await? {
                Some(renewed) => claim = renewed,
                None => return Ok(()),
            }
        }
    }

    async fn step(&self, claim: &QueueClaim) -> Result<Step, StoreError> {
        let channel = match self.channels.get(claim.org_id, claim.channel).await? {
            Some(FoundChannel::Readable(channel)) if channel.is_active => channel,
            Some(FoundChannel::Unreadable { name, why, .. }) => return self.rest_unreadable(claim, &name, &why).await,
            Some(FoundChannel::Readable(_)) => return self.drop_all(claim, Step::Rest(None)).await,
            None => return self.drop_all(claim, Step::Gone).await,
        };
        if let ChannelSettings::Heartbeat { every, .. } = channel.settings {
            return self.beat(&channel, every.max(MIN_BEAT)).await;
        }
        let now = self.clock.now();
        let ready = self.notices.next_ready(claim).await?;
        let retry_at = ready.as_ref().map(|notice| notice.next_attempt_at.unwrap_or(now));
        match (ready, retry_at) {
            (Some(notice), Some(at)) if at <= now => self.attempt(claim, &channel, &notice).await,
            (_, retry_at) => self.flush(claim, &channel, retry_at, now).await,
        }
    }

    /// A channel that is gone, or that people switched off, hears nothing, and its failure is over.
    async fn drop_all(&self, claim: &QueueClaim, then: Step) -> Result<Step, StoreError> {
        self.notices.drop_all(claim, self.clock.now()).await?;
        self.end_failure(claim).await?;
        Ok(then)
    }

    async fn rest_unreadable(&self, claim: &QueueClaim, name: &str, why: &str) -> Result<Step, StoreError> {
        self.report_failure(claim, name, why).await?;
        Ok(Step::Rest(Some(self.clock.now() + UNREADABLE_DELAY)))
    }

    async fn beat(&self, channel: &NotificationChannel, every: Duration) -> Result<Step, StoreError> {
        let now = self.clock.now();
        let sent = self.send(channel, None, &Wording::beat(channel, now)).await;
        if let Err(error) = sent {
            tracing::warn!(%error, ig.channel.id = %channel.id, "a sign of life could not be sent");
        }
        Ok(Step::Rest(Some(now + every)))
    }

    async fn flush(
        &self,
        claim: &QueueClaim,
        channel: &NotificationChannel,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        let queued = self.notices.queued(claim).await?;
        let limits = PaceLimits {
            group_interval: self.group_interval,
            max_per_hour: channel.max_per_hour,
        };
        let flush = flush(claim.pace, &queued, limits, now);
        if flush.is_empty() {
            let next = [flush.next, retry_at].into_iter().flatten().min();
            return Ok(Step::Rest(next));
        }
        let held = self.notices.commit(claim, &flush, now).await?;
        Ok(if held { Step::Again } else { Step::Lost })
    }

    async fn attempt(
        &self,
        claim: &QueueClaim,
        channel: &NotificationChannel,
        notice: &StoredNotice,
    ) -> Result<Step, StoreError> {
        let words = self.wording.of(notice).await?;
        let Some(begun) = self.notices.begin(claim, notice).await? else {
            return Ok(Step::Again);
        };
        let result = self.send(channel, begun.remaining.as_deref(), &words).await;
        let end = self.end_of(result, &begun);
        log(&begun, &end);
        if let NoticeEnd::GivenUp { why } = &end {
            // Before the notice is settled, so that a crash in between tells of it twice rather than never.
            self.tell_of_failure(claim, channel, &begun, why).await?;
        }
        if !self.settle(claim, &begun, &end).await? {
            return Ok(Step::Lost);
        }
        if end == NoticeEnd::Sent {
            self.end_failure(claim).await?;
        }
        Ok(Step::Again)
    }

    async fn send(
        &self,
        channel: &NotificationChannel,
        remaining: Option<&[String]>,
        words: &crate::message::Notice,
    ) -> Result<Sent, SendError> {
        let sending = self.sender.send(channel, remaining, words);
        let timed_out = |_| SendError::Transient {
            why: format!("The channel did not answer within {} s.", SEND_TIMEOUT.as_secs()),
            retry_after: None,
        };
        tokio::time::timeout(SEND_TIMEOUT, sending).await.map_err(timed_out)?
    }

    fn end_of(&self, result: Result<Sent, SendError>, notice: &StoredNotice) -> NoticeEnd {
        let (error, remaining) = match result {
            Ok(sent) => match still_to_reach(sent) {
                Some(partial) => partial,
                None => return NoticeEnd::Sent,
            },
            Err(error) => (error, notice.remaining.clone()),
        };
        let next =
            default_policy().map(|policy| next_attempt(&error, notice.attempts, &policy, self.clock.now(), &mut rand::rng()));
        let why = error.to_string();
        match next {
            Ok(NextAttempt::At(at)) => NoticeEnd::Retry { at, why, remaining },
            Ok(NextAttempt::GiveUp) | Err(_) => NoticeEnd::GivenUp { why },
        }
    }

    /// Stores the result of an attempt. While the database is away, it is better to wait than to send the notice again.
    async fn settle(&self, claim: &QueueClaim, notice: &StoredNotice, end: &NoticeEnd) -> Result<bool, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.notices.settle(claim, notice, end, self.clock.now()).await {
                Err(StoreError::Unavailable(_)) if tries < SETTLE_TRIES => tokio::time::sleep(SETTLE_DELAY).await,
                settled => return settled,
            }
        }
    }

    /// The failure of a notice about a failure is only logged: it would go round in circles.
    async fn tell_of_failure(
        &self,
        claim: &QueueClaim,
        channel: &NotificationChannel,
        notice: &StoredNotice,
        why: &str,
    ) -> Result<(), StoreError> {
        match &notice.content {
            NoticeContent::Incident(content) if content.alert_kind == NOTIFICATION_FAILED => Ok(()),
            NoticeContent::Incident(_) | NoticeContent::Digest(_) | NoticeContent::DigestEnded { .. } => {
                self.report_failure(claim, &channel.name, why).await
            }
        }
    }

    async fn report_failure(&self, claim: &QueueClaim, name: &str, why: &str) -> Result<(), StoreError> {
        self.notices.set_failing(claim, true).await?;
        let has_others = self
            .channels
            .active(claim.org_id)
            .await?
            .iter()
            .any(|other| *other != claim.channel);
        // Where an organisation has no other channel, the operators of the platform hear of it.
        let org_id = claim.org_id.filter(|_| has_others);
        let report = failure(claim, org_id, name, why, self.clock.now());
        self.notifier.report(&report).await.map(drop)
    }

    async fn end_failure(&self, claim: &QueueClaim) -> Result<(), StoreError> {
        if !claim.failing {
            return Ok(());
        }
        let told = [claim.org_id, None];
        for org_id in &told[..if claim.org_id.is_some() { 2 } else { 1 }] {
            let end = AlertEnd {
                org_id: *org_id,
                kind: NOTIFICATION_FAILED.to_owned(),
                key: claim.channel.to_string(),
                at: self.clock.now(),
            };
            self.notifier.end(&end).await?;
        }
        self.notices.set_failing(claim, false).await
    }
}

/// The alert that a channel fails.
fn failure(claim: &QueueClaim, org_id: Option<OrgId>, name: &str, why: &str, now: Timestamp) -> AlertReport {
    let channel = claim.channel.to_string();
    let whose = claim
        .org_id
        .map_or_else(|| "of the platform".to_owned(), |org| format!("of organisation {org}"));
    AlertReport {
        alert: Alert {
            org_id,
            kind: NOTIFICATION_FAILED.to_owned(),
            key: channel.clone(),
            severity: Severity::Critical,
            message: format!("Alerts cannot be told through a notification channel {whose}. {why}"),
            at: now,
        },
        details: AlertDetails {
            subject: Some(AlertSubject {
                id: channel,
                name: name.to_owned(),
            }),
            last_error: Some(why.to_owned()),
            ending: Some(Ending::Reported),
            ..AlertDetails::default()
        },
    }
}

fn log(notice: &StoredNotice, end: &NoticeEnd) {
    let (channel, key) = (notice.channel, &notice.key);
    match end {
        NoticeEnd::Sent => tracing::info!(ig.channel.id = %channel, ig.notice.id = %key, "a notice was sent"),
        NoticeEnd::Retry { at, why, .. } => {
            tracing::warn!(ig.channel.id = %channel, ig.notice.id = %key, %at, why, "a notice could not be sent; trying again");
        }
        NoticeEnd::GivenUp { why } => {
            tracing::error!(ig.channel.id = %channel, ig.notice.id = %key, why, "a notice could not be sent and is given up");
        }
    }
}

/// The recipients that may still get a mail which others have, with the reason why they do not have it.
fn still_to_reach(sent: Sent) -> Option<(SendError, Option<Vec<String>>)> {
    let later: Vec<_> = sent
        .undelivered
        .into_iter()
        .filter(|undelivered| undelivered.error.is_transient())
        .collect();
    let recipients = later
        .iter()
        .map(|undelivered| undelivered.recipient.as_str().to_owned())
        .collect();
    let first = later.into_iter().next()?;
    Some((first.error, Some(recipients)))
}
