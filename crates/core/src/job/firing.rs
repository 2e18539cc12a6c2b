//! The firings of jobs: when a job runs next, and whether a due firing runs, is skipped or waits.
//!
//! The state of a job is stored apart from its configuration, and names the rule that its next run was planned by. So an edit
//! of the schedule is noticed whenever state and configuration meet, and every other edit leaves the next run alone.
//!
//! - A new or edited cron rule runs at its next occurrence. An interval counts from the start of the last run; without one, it
//!   begins one interval later. A run that a person requests does not move the one that is planned.
//! - Occurrences that were missed while everything was down make one firing: the latest of them, which counts the others. A
//!   cron firing that is later than [`MaxOverdue`] allows is skipped; an interval has no time of day to be late for.
//! - A job never overlaps itself. A firing that comes due during a run is skipped. One that was due before the run began, or
//!   before another process took it over, was missed rather than overlapping: it waits for the end of the run.
//! - An occurrence runs once even if the clock is set back, because its run's identity follows from its time. A next run that
//!   lies further ahead than the rule allows, as after a clock that was wrong, is planned anew.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::run::{RunStatus, RunningRun, SkipReason, Watermark};
use super::schedule::JobSchedule;
use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId};
use crate::schedule::{MAX_MISSED_COUNTED, MaxOverdue, Timeliness, Zone};

/// Clocks of replicas may differ by this much.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(1);
/// Cron rules distinguish seconds.
const CRON_RESOLUTION: TimeDelta = TimeDelta::seconds(1);

/// Identifies a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobKey {
    /// The tenant.
    pub org_id: OrgId,
    /// Its identifier.
    pub id: IntegrationId,
}

/// What a next run was planned by: a rule and the zone that it is read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleKey(pub String);

/// When a job runs, as configured.
#[derive(Debug, Clone, Copy)]
pub struct Timetable<'a> {
    /// The job.
    pub key: JobKey,
    /// Its schedule; `None` while the job is inactive.
    pub schedule: Option<&'a JobSchedule>,
    /// The tenant's zone, for a cron rule that names none.
    pub zone: Zone,
    /// The configuration revision that all this is from: the higher one of the job's and the organisation's.
    pub revision: u64,
}

impl Timetable<'_> {
    /// What its next run is planned by; `None` while the job is inactive.
    pub fn rule(&self) -> Option<RuleKey> {
        let schedule = self.schedule?;
        if let Some(interval) = schedule.interval() {
            return Some(RuleKey(format!("INTERVAL {}", interval.as_millis())));
        }
        let text = |name: &str| schedule.document().get(name).and_then(Value::as_str);
        let zone = text("timezone").unwrap_or_else(|| self.zone.name());
        Some(RuleKey(format!("CRON {} {zone}", text("expression").unwrap_or_default())))
    }
}

/// The state of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// The job.
    pub key: JobKey,
    /// What the next run was planned by; `None` for a job that was inactive or is new.
    pub rule: Option<RuleKey>,
    /// The configuration revision of that rule.
    pub revision: u64,
    /// When it runs next, if it does.
    pub next_run: Option<Timestamp>,
    /// When its last run began.
    pub last_run: Option<Timestamp>,
    /// How its last finished run ended.
    pub last_outcome: Option<RunStatus>,
    /// The run that is under way.
    pub running: Option<RunningRun>,
    /// How far an incremental job has come.
    pub watermark: Option<Watermark>,
}

impl JobState {
    /// The state of a job that was never planned.
    pub fn new(key: JobKey) -> Self {
        Self {
            key,
            rule: None,
            revision: 0,
            next_run: None,
            last_run: None,
            last_outcome: None,
            running: None,
            watermark: None,
        }
    }
}

/// A firing whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueFiring {
    /// When it was due; the run's identity follows from it.
    pub due_at: Timestamp,
    /// How many earlier firings it stands for, counted up to [`MAX_MISSED_COUNTED`].
    pub missed: u32,
    /// The run after it.
    pub next_run: Option<Timestamp>,
}

/// What the timetable and the state of a job amount to at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Firing {
    /// The job is inactive, or its rule never comes again.
    Never,
    /// The job runs next at this time.
    Planned(Timestamp),
    /// The job runs now.
    Due(DueFiring),
    /// The firing is noted as skipped.
    Skipped(DueFiring, SkipReason),
    /// The firing waits for the end of the run that is under way.
    AfterRun,
    /// The state was planned by a later configuration than this timetable: leave it alone.
    Stale,
}

/// Decides what a job does at a moment. A plan that differs from the state has to be stored; a due firing has to be claimed.
pub fn plan(timetable: &Timetable<'_>, state: &JobState, now: Timestamp, max_overdue: MaxOverdue) -> Firing {
    let rule = timetable.rule();
    if rule != state.rule && timetable.revision < state.revision {
        return Firing::Stale;
    }
    let Some(schedule) = timetable.schedule else {
        return Firing::Never;
    };
    let zoned = ZonedRule {
        schedule,
        zone: timetable.zone,
    };
    if rule != state.rule {
        return planned(zoned.first(state.last_run, now));
    }
    match state.next_run {
        None => planned(zoned.after(now)),
        Some(next) if next > now => planned(zoned.unless_too_far(next, now)),
        Some(next) => due(zoned, next, state.running.as_ref(), now, max_overdue),
    }
}

fn planned(next: Option<Timestamp>) -> Firing {
    next.map_or(Firing::Never, Firing::Planned)
}

fn due(rule: ZonedRule<'_>, next: Timestamp, running: Option<&RunningRun>, now: Timestamp, max_overdue: MaxOverdue) -> Firing {
    let firing = rule.latest(next, now);
    if let Some(running) = running {
        let was_missed = firing.due_at <= running.held_since || !running.is_held(now);
        return if was_missed {
            Firing::AfterRun
        } else {
            Firing::Skipped(firing, SkipReason::StillRunning(running.run))
        };
    }
    let Some(interval) = rule.schedule.interval() else {
        return match max_overdue.timeliness(firing.due_at, now) {
            Timeliness::Overdue(why) => Firing::Skipped(firing, SkipReason::TooLate(why)),
            Timeliness::Due | Timeliness::NotDue(_) => Firing::Due(firing),
        };
    };
    // Counted from this run, which begins now.
    let next_run = now.checked_add_signed(time_delta(interval));
    Firing::Due(DueFiring { next_run, ..firing })
}

/// A schedule in a tenant's zone.
#[derive(Clone, Copy)]
struct ZonedRule<'a> {
    schedule: &'a JobSchedule,
    zone: Zone,
}

impl ZonedRule<'_> {
    fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.schedule.next(moment, self.zone)
    }

    /// The first run under a new rule.
    fn first(&self, last_run: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let from_now = self.after(now)?;
        match (self.schedule.interval(), last_run) {
            // A last run that lies ahead is from a clock that was wrong.
            (Some(_), Some(last)) => Some(self.after(last)?.clamp(now, from_now)),
            _ => Some(from_now),
        }
    }

    /// The planned run, or the next one from now where a clock that was wrong planned it too far ahead.
    fn unless_too_far(&self, next: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let farthest = self.after(now.checked_add_signed(CLOCK_TOLERANCE)?);
        match farthest {
            Some(farthest) if next > farthest => self.after(now),
            _ => Some(next),
        }
    }

    /// The latest firing up to now, when the first of them was due at `first`.
    fn latest(&self, first: Timestamp, now: Timestamp) -> DueFiring {
        match self.schedule.interval() {
            Some(interval) => latest_of_interval(interval, first, now),
            None => self.latest_of_cron(first, now),
        }
    }

    fn latest_of_cron(&self, first: Timestamp, now: Timestamp) -> DueFiring {
        let (mut due_at, mut missed) = (first, 0);
        loop {
            match self.after(due_at) {
                Some(next) if next <= now && missed < MAX_MISSED_COUNTED => (due_at, missed) = (next, missed + 1),
                Some(next) if next <= now => {
                    return DueFiring {
                        due_at: self.last_up_to(next, now),
                        missed,
                        next_run: self.after(now),
                    };
                }
                next_run => {
                    return DueFiring {
                        due_at,
                        missed,
                        next_run,
                    };
                }
            }
        }
    }

    /// The last occurrence up to now, found by halving the time from a known one.
    fn last_up_to(&self, known: Timestamp, now: Timestamp) -> Timestamp {
        let (mut last, mut end) = (known, now);
        while end.signed_duration_since(last) >= CRON_RESOLUTION {
            let middle = last + end.signed_duration_since(last) / 2;
            match self.after(middle) {
                Some(later) if later <= now => last = later,
                _ => end = middle,
            }
        }
        last
    }
}

/// An interval's firing keeps the time at which it came due; the next one of the same series lies ahead of now.
fn latest_of_interval(interval: Duration, first: Timestamp, now: Timestamp) -> DueFiring {
    let step = time_delta(interval).num_milliseconds().max(1);
    let missed = now.signed_duration_since(first).num_milliseconds().max(0) / step;
    let ahead = TimeDelta::try_milliseconds(step.saturating_mul(missed.saturating_add(1)));
    DueFiring {
        due_at: first,
        missed: u32::try_from(missed).unwrap_or(u32::MAX).min(MAX_MISSED_COUNTED),
        next_run: ahead.and_then(|ahead| first.checked_add_signed(ahead)),
    }
}

fn time_delta(interval: Duration) -> TimeDelta {
    TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX)
}

/// The first `limit` of due jobs in the order in which they get their turns: each tenant's longest due, then each one's
/// second, and so on, at most `per_org` of a tenant.
pub fn in_turns(mut due: Vec<JobState>, per_org: usize, limit: usize) -> Vec<JobState> {
    due.sort_by_key(|state| (state.next_run, state.key));
    let mut rounds: HashMap<OrgId, usize> = HashMap::new();
    let mut turns: Vec<_> = due
        .into_iter()
        .map(|state| {
            let round = rounds.entry(state.key.org_id).or_default();
            *round += 1;
            (*round, state)
        })
        .filter(|(round, _)| *round <= per_org)
        .collect();
    // The sort is stable: within a round the longest due stays first.
    turns.sort_by_key(|(round, _)| *round);
    turns.into_iter().take(limit).map(|(_, state)| state).collect()
}
