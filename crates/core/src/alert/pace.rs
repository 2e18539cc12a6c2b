//! Which of the notices that wait for a channel go out now.
//!
//! - A channel gets notices at most once per group interval, and a limited number an hour. What waits longer than that goes out as one
//!   digest, which is also the summary of what was held.
//! - Acknowledgements and ends go out at once, where the channel has the notice that they answer. Where that notice still waits, neither
//!   is of interest.
//! - The end of an incident that a digest told of is not told by itself: the digest has ended when all that it told of has ended.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DurationRound as _, TimeDelta};

use super::{IncidentId, NoticeKey, TellingKind};
use crate::clock::Timestamp;
use crate::delivery_log::named;

/// The time between two notices on one channel, where nothing else is configured.
pub const GROUP_INTERVAL: Duration = Duration::from_mins(5);

named! {
    /// What became of a notice.
    NoticeStatus {
        /// It waits for its channel's turn.
        Waiting = "WAITING",
        /// It is being sent.
        Ready = "READY",
        /// The channel took it.
        Sent = "SENT",
        /// It was given up.
        Failed = "FAILED",
        /// A digest tells of it.
        Digested = "DIGESTED",
        /// It was no longer of interest.
        Dropped = "DROPPED",
    }
}

/// A digest whose incidents have not all ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenDigest {
    /// When the first of its notices went out.
    pub since: Timestamp,
    /// How many of its incidents are open.
    pub open: u64,
}

/// How fast a channel was used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// When notices last went out, other than answers.
    pub last_flush: Option<Timestamp>,
    /// How many digests there were; the number of the next one.
    pub digests: u32,
    /// The hour that is counted.
    pub hour: Option<Timestamp>,
    /// How many notices went out in it.
    pub sent_in_hour: u32,
    /// The digest that is open.
    pub digest: Option<OpenDigest>,
}

/// How fast a channel may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceLimits {
    /// The time between two notices.
    pub group_interval: Duration,
    /// The most notices in an hour, at least one.
    pub max_per_hour: u32,
}

/// A notice that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedNotice {
    /// Its identifier.
    pub key: NoticeKey,
    /// Its incident.
    pub incident: IncidentId,
    /// What it tells.
    pub kind: TellingKind,
    /// When it may go out.
    pub due_at: Timestamp,
    /// As many notices are one digest.
    pub digest_from: Option<u32>,
    /// What became of the notices that it answers, as far as they still exist.
    pub answers: Vec<NoticeStatus>,
}

/// The identity of one digest on its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestMark {
    /// When the first digest that is still open went out.
    pub since: Timestamp,
    /// Its number, from 0.
    pub number: u32,
}

/// What happens to the notices that wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flush {
    /// These go out, each by itself.
    pub ready: Vec<NoticeKey>,
    /// These go out together.
    pub digested: Vec<NoticeKey>,
    /// The digest that tells of them.
    pub digest: Option<DigestMark>,
    /// The digest whose incidents have all ended, which is told as well.
    pub ended_digest: Option<DigestMark>,
    /// These are no longer of interest.
    pub dropped: Vec<NoticeKey>,
    /// The pace afterwards.
    pub pace: Pace,
    /// When to look again; `None` when nothing waits.
    pub next: Option<Timestamp>,
}

impl Flush {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.digested.is_empty() && self.dropped.is_empty() && self.ended_digest.is_none()
    }
}

/// Looks at all notices that wait for a channel.
pub fn flush(pace: Pace, queued: &[QueuedNotice], limits: PaceLimits, now: Timestamp) -> Flush {
    let mut flush = Flush {
        pace: pace.in_hour(now),
        ..Flush::default()
    };
    let (answers, news): (Vec<_>, Vec<_>) = queued.iter().partition(|notice| notice.is_answer());
    let over = flush.answer(&answers);
    let news = flush.still_of_interest(&news, &over);
    flush.tell(&news, limits, now);
    flush.end_digest();
    flush
}

impl QueuedNotice {
    fn is_answer(&self) -> bool {
        match self.kind {
            TellingKind::Acknowledged | TellingKind::Resolved => true,
            TellingKind::Firing | TellingKind::Repeated => false,
        }
    }

    fn answers_any(&self, statuses: &[NoticeStatus]) -> bool {
        self.answers.iter().any(|status| statuses.contains(status))
    }
}

impl Pace {
    fn in_hour(self, now: Timestamp) -> Self {
        let hour = now.duration_trunc(TimeDelta::hours(1)).ok();
        if self.hour == hour {
            return self;
        }
        Self {
            hour,
            sent_in_hour: 0,
            ..self
        }
    }

    /// When the next notice may go out.
    fn next_turn(&self, limits: PaceLimits) -> Option<Timestamp> {
        let interval = self.last_flush.map(|last| last + limits.group_interval);
        let is_full = self.sent_in_hour >= limits.max_per_hour.max(1);
        let next_hour = self.hour.filter(|_| is_full).map(|hour| hour + TimeDelta::hours(1));
        interval.max(next_hour)
    }
}

impl Flush {
    /// Decides on answers; returns the incidents of which nothing more needs to be told.
    fn answer(&mut self, answers: &[&QueuedNotice]) -> BTreeSet<IncidentId> {
        let mut over = BTreeSet::new();
        for notice in answers {
            over.insert(notice.incident.clone());
            if notice.answers_any(&[NoticeStatus::Ready, NoticeStatus::Sent]) {
                self.ready.push(notice.key.clone());
            } else {
                self.dropped.push(notice.key.clone());
            }
            let ends = notice.kind == TellingKind::Resolved && notice.answers_any(&[NoticeStatus::Digested]);
            if let (true, Some(digest)) = (ends, &mut self.pace.digest) {
                digest.open = digest.open.saturating_sub(1);
            }
        }
        over
    }

    /// Each incident once, without those that are over.
    fn still_of_interest<'a>(&mut self, news: &[&'a QueuedNotice], over: &BTreeSet<IncidentId>) -> Vec<&'a QueuedNotice> {
        let mut seen = over.clone();
        let mut kept = Vec::new();
        for notice in news {
            if seen.insert(notice.incident.clone()) {
                kept.push(*notice);
            } else {
                self.dropped.push(notice.key.clone());
            }
        }
        kept
    }

    fn tell(&mut self, news: &[&QueuedNotice], limits: PaceLimits, now: Timestamp) {
        let Some(due_at) = news.iter().map(|notice| notice.due_at).min() else {
            return;
        };
        let turn = self.pace.next_turn(limits).map_or(due_at, |turn| turn.max(due_at));
        if turn > now {
            self.next = Some(turn);
            return;
        }
        self.pace.last_flush = Some(now);
        let keys = news.iter().map(|notice| notice.key.clone());
        if self.is_digest(news, limits) {
            self.digested.extend(keys);
            self.add_to_digest(news, now);
        } else {
            self.ready.extend(keys);
            self.count(news.len());
        }
    }

    fn is_digest(&self, news: &[&QueuedNotice], limits: PaceLimits) -> bool {
        let count = u32::try_from(news.len()).unwrap_or(u32::MAX);
        let left = limits.max_per_hour.max(1).saturating_sub(self.pace.sent_in_hour);
        let from = news.iter().filter_map(|notice| notice.digest_from).min();
        count > 1 && (count > left || from.is_some_and(|from| count >= from))
    }

    fn add_to_digest(&mut self, news: &[&QueuedNotice], now: Timestamp) {
        // The end of an incident that was told by itself before is told by itself.
        let first_told = news.iter().filter(|notice| notice.kind == TellingKind::Firing).count() as u64;
        let open = self.pace.digest.filter(|digest| digest.open > 0);
        let since = open.map_or(now, |digest| digest.since);
        let open = open.map_or(0, |digest| digest.open) + first_told;
        self.pace.digest = Some(OpenDigest { since, open }).filter(|digest| digest.open > 0);
        self.digest = Some(self.next_mark(since));
        self.count(1);
    }

    fn end_digest(&mut self) {
        let Some(ended) = self.pace.digest.filter(|digest| digest.open == 0) else {
            return;
        };
        self.pace.digest = None;
        self.ended_digest = Some(self.next_mark(ended.since));
    }

    fn next_mark(&mut self, since: Timestamp) -> DigestMark {
        let number = self.pace.digests;
        self.pace.digests = number.saturating_add(1);
        DigestMark { since, number }
    }

    fn count(&mut self, notices: usize) {
        let notices = u32::try_from(notices).unwrap_or(u32::MAX);
        self.pace.sent_in_hour = self.pace.sent_in_hour.saturating_add(notices);
    }
}
