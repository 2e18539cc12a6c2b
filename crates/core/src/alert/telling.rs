//! Which channels are due a notice about an incident.
//!
//! - A channel hears of an incident once it has been open for the route's first wait, and again each time the route's repetition is due,
//!   until a person acknowledges it or it ends.
//! - A silence or quiet hours hold that. What was held is due together when they end, so that it becomes one digest.
//! - An acknowledgement and the end go to exactly those channels that were told, whatever the routes say by then, also through a silence.
//! - An incident that has opened again is resolved for its channels only when it can no longer open again: while it flaps, they hear
//!   nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::fingerprint::hexadecimal;
use super::{
    ChannelId, Ending, GROUP_WAIT, Incident, IncidentId, IncidentState, REOPEN_WINDOW, Route, Routing, Silence, Told, ToldStage,
};
use crate::clock::Timestamp;
use crate::delivery_log::named;

/// The kind of alerts about a channel that fails, with the channel's identifier as key. The channel itself does not hear of them.
pub const NOTIFICATION_FAILED: &str = "notification-failed";

/// As many notices that were held are one digest.
const HELD_DIGEST_FROM: u32 = 2;
const KEY_BYTES: usize = 16;

named! {
    /// What a notice tells of its incident.
    TellingKind {
        /// It is open.
        Firing = "FIRING",
        /// It is still open.
        Repeated = "REPEATED",
        /// A person takes care of it.
        Acknowledged = "ACKNOWLEDGED",
        /// It has ended.
        Resolved = "RESOLVED",
    }
}

/// The identifier of a notice for one channel: 32 hexadecimal digits, derived from what it tells, so that a second write is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeKey(pub String);

impl NoticeKey {
    /// The identifier of an incident's notice by its number on a channel.
    pub fn of(incident: &IncidentId, channel: ChannelId, number: u32) -> Self {
        let digest = Sha256::new()
            .chain_update(channel.0)
            .chain_update(number.to_be_bytes())
            .chain_update(incident.0.as_bytes())
            .finalize();
        Self(hexadecimal(&digest[..KEY_BYTES]))
    }
}

impl fmt::Display for NoticeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What decides who is told, of an organisation or of the platform.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Routes and quiet hours.
    pub routing: Routing,
    /// The silences in force.
    pub silences: Vec<Silence>,
    /// The channels that are active.
    pub channels: BTreeSet<ChannelId>,
    /// How long trouble that ends by itself goes unreported before it is over.
    pub quiet: Duration,
}

/// A notice that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// Its identifier.
    pub key: NoticeKey,
    /// Its channel.
    pub channel: ChannelId,
    /// What it tells.
    pub kind: TellingKind,
    /// Its number among the incident's notices on this channel, from 0.
    pub number: u32,
    /// When it may go out.
    pub due_at: Timestamp,
    /// As many notices on this channel are one digest.
    pub digest_from: Option<u32>,
    /// The earlier notices that it answers: it is only of interest to a channel that has one of them.
    pub answers: Vec<NoticeKey>,
}

/// What follows from a look at an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TellingPlan {
    /// The notices that are due.
    pub notices: Vec<DueNotice>,
    /// What the channels were told, with these notices.
    pub told: Vec<Told>,
    /// Whether a notice is held.
    pub held: bool,
    /// Whether the incident ends now, because it was not reported for a while.
    pub ends: bool,
    /// When to look again; `None` when nothing can become due by itself.
    pub look_at: Option<Timestamp>,
}

/// A channel that is to hear of an open incident.
struct Wanted<'a> {
    channel: ChannelId,
    first_at: Timestamp,
    route: &'a Route,
}

/// Looks at an incident.
pub fn plan(incident: &Incident, rules: &Rules, now: Timestamp) -> TellingPlan {
    let mut planner = Planner::new(incident, now);
    if planner.ends_by_itself(rules.quiet) {
        return planner.plan;
    }
    match &incident.state {
        IncidentState::Open => planner.tell_open(rules),
        IncidentState::Acknowledged(_) => planner.answer(TellingKind::Acknowledged, now),
        IncidentState::Resolved(resolution) => {
            let settled = if incident.reopened == 0 {
                Duration::ZERO
            } else {
                REOPEN_WINDOW
            };
            planner.answer(TellingKind::Resolved, resolution.at + settled);
        }
    }
    planner.plan
}

struct Planner<'a> {
    incident: &'a Incident,
    now: Timestamp,
    plan: TellingPlan,
}

impl<'a> Planner<'a> {
    fn new(incident: &'a Incident, now: Timestamp) -> Self {
        let plan = TellingPlan {
            notices: Vec::new(),
            told: incident.told.clone(),
            held: false,
            ends: false,
            look_at: None,
        };
        Self { incident, now, plan }
    }

    fn look_at(&mut self, at: Timestamp) {
        self.plan.look_at = Some(self.plan.look_at.map_or(at, |other| other.min(at)));
    }

    /// Whether nothing was heard of it for so long that it is over.
    fn ends_by_itself(&mut self, quiet: Duration) -> bool {
        if self.incident.ending == Ending::Reported || !self.incident.state.is_open() {
            return false;
        }
        let end = self.incident.last_at + quiet;
        self.plan.ends = end <= self.now;
        self.look_at(end);
        self.plan.ends
    }

    fn tell_open(&mut self, rules: &Rules) {
        let everyone = Route::of_all(rules.channels.iter().copied());
        let routes = if rules.routing.routes.is_empty() {
            Some(&everyone)
                .filter(|route| route.matcher.matches(self.incident))
                .into_iter()
                .collect()
        } else {
            rules.routing.of(self.incident)
        };
        let hold = self.hold(rules);
        for wanted in self.wanted(&routes, &rules.channels) {
            self.tell(&wanted, hold);
        }
    }

    /// The end of what holds its notices now, if anything does.
    fn hold(&self, rules: &Rules) -> Option<Timestamp> {
        let silences = rules
            .silences
            .iter()
            .filter_map(|silence| silence.holds_until(self.incident, self.now));
        let severity = self.incident.alert.severity;
        let hours = rules.routing.quiet_hours.iter();
        silences
            .chain(hours.filter_map(|hours| hours.hold_until(severity, self.now)))
            .max()
    }

    /// Every channel once, with the earliest time at which a route wants it told.
    fn wanted(&self, routes: &[&'a Route], active: &BTreeSet<ChannelId>) -> Vec<Wanted<'a>> {
        let mut wanted: Vec<Wanted<'a>> = Vec::new();
        let steps = routes.iter().flat_map(|route| self.steps(route));
        for step in steps.filter(|step| active.contains(&step.channel) && !self.is_about(step.channel)) {
            match wanted.iter_mut().find(|other| other.channel == step.channel) {
                Some(other) if other.first_at <= step.first_at => {}
                Some(other) => *other = step,
                None => wanted.push(step),
            }
        }
        wanted
    }

    fn steps(&self, route: &'a Route) -> Vec<Wanted<'a>> {
        let step = |first_at| {
            move |channel: &ChannelId| Wanted {
                channel: *channel,
                first_at,
                route,
            }
        };
        let first_at = self.incident.opened_at + route.first_after;
        let mut steps: Vec<_> = route.channels.iter().map(step(first_at)).collect();
        // People have time to acknowledge only once they were told, which a silence may have delayed.
        let told_at = match self.first_told_at(route) {
            Some(told_at) => told_at,
            None if route.channels.is_empty() => self.incident.opened_at,
            None => return steps,
        };
        for escalation in &route.escalations {
            steps.extend(escalation.channels.iter().map(step(told_at + escalation.after)));
        }
        steps
    }

    fn first_told_at(&self, route: &Route) -> Option<Timestamp> {
        let told = self.plan.told.iter().filter(|told| told.stage != ToldStage::Resolved);
        told.filter(|told| route.channels.contains(&told.channel))
            .map(|told| told.first_at)
            .min()
    }

    /// A channel's own failure is told through the others.
    fn is_about(&self, channel: ChannelId) -> bool {
        let alert = &self.incident.alert;
        alert.kind == NOTIFICATION_FAILED && alert.key == channel.to_string()
    }

    fn tell(&mut self, wanted: &Wanted<'_>, hold: Option<Timestamp>) {
        let (kind, due_at) = match self.told_on(wanted.channel).filter(|told| told.stage != ToldStage::Resolved) {
            Some(told) => (TellingKind::Repeated, told.last_at + wanted.route.repeat_after),
            None => (TellingKind::Firing, wanted.first_at),
        };
        match hold {
            _ if due_at > self.now => self.look_at(due_at),
            Some(end) => {
                self.plan.held = true;
                self.look_at(end);
            }
            None => self.push(wanted.channel, kind, wanted.route),
        }
    }

    fn push(&mut self, channel: ChannelId, kind: TellingKind, route: &Route) {
        let (due_at, digest_from) = if self.incident.held {
            (self.now + GROUP_WAIT, Some(HELD_DIGEST_FROM))
        } else {
            (self.now, route.digest_from)
        };
        let earlier = self.told_on(channel).cloned();
        let number = earlier.as_ref().map_or(0, |told| told.notices);
        let key = NoticeKey::of(&self.incident.id, channel, number);
        let goes_on = earlier.filter(|_| kind == TellingKind::Repeated);
        self.set_told(Told {
            channel,
            stage: ToldStage::Firing,
            notices: number + 1,
            first_at: goes_on.as_ref().map_or(self.now, |told| told.first_at),
            last_at: self.now,
            first_notice: goes_on.map_or_else(|| key.clone(), |told| told.first_notice),
            last_notice: key.clone(),
        });
        self.look_at(self.now + route.repeat_after);
        self.plan.notices.push(DueNotice {
            key,
            channel,
            kind,
            number,
            due_at,
            digest_from,
            answers: Vec::new(),
        });
        // Others may become due now that somebody was told.
        let escalations = route.escalations.iter().map(|escalation| self.now + escalation.after);
        if let Some(next) = escalations.min() {
            self.look_at(next);
        }
    }

    /// Tells the channels that were told before.
    fn answer(&mut self, kind: TellingKind, at: Timestamp) {
        let stage = match kind {
            TellingKind::Resolved => ToldStage::Resolved,
            TellingKind::Firing | TellingKind::Repeated | TellingKind::Acknowledged => ToldStage::Acknowledged,
        };
        let told = self
            .plan
            .told
            .iter()
            .filter(|told| told.stage != ToldStage::Resolved && told.stage != stage);
        let unanswered: Vec<_> = told.cloned().collect();
        for told in unanswered {
            if at > self.now {
                self.look_at(at);
            } else {
                self.push_answer(kind, stage, told);
            }
        }
    }

    fn push_answer(&mut self, kind: TellingKind, stage: ToldStage, told: Told) {
        let key = NoticeKey::of(&self.incident.id, told.channel, told.notices);
        let mut answers = vec![told.first_notice.clone(), told.last_notice.clone()];
        answers.dedup();
        self.plan.notices.push(DueNotice {
            key,
            channel: told.channel,
            kind,
            number: told.notices,
            due_at: self.now,
            digest_from: None,
            answers,
        });
        self.set_told(Told {
            stage,
            notices: told.notices + 1,
            last_at: self.now,
            ..told
        });
    }

    fn told_on(&self, channel: ChannelId) -> Option<&Told> {
        self.plan.told.iter().find(|told| told.channel == channel)
    }

    fn set_told(&mut self, now: Told) {
        match self.plan.told.iter_mut().find(|told| told.channel == now.channel) {
            Some(told) => *told = now,
            None => self.plan.told.push(now),
        }
    }
}
