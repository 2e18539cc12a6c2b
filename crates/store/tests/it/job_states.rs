//! States of jobs: planned from the configuration, claimed by one process, continued by the next.

use std::collections::BTreeSet;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::id::{OrgId, Rid};
use ig_core::job::{
    DueFiring, Firing, JobKey, JobRun, JobSchedule, JobState, RunStatus, RunSubject, SkipReason, Timetable, plan,
};
use ig_core::schedule::{MaxOverdue, Zone};
use ig_store::{ClaimOutcome, DueLimits, FinishOutcome, JobLogFilter, JobStates, Page, RunClaim, Store};
use ig_testkit::builders;
use serde_json::json;

use crate::stored::{Stored, moment};

mod deaths;
mod holding;
mod removal;
mod watermarks;

pub(crate) const LEASE: Duration = Duration::from_secs(30);
const PLENTY: DueLimits = DueLimits {
    per_org: 1_000,
    total: 1_000,
};

pub(crate) fn key(org: i64, number: u64) -> JobKey {
    JobKey {
        org_id: OrgId(org),
        id: builders::integration_id(number),
    }
}

pub(crate) fn every(seconds: u64) -> JobSchedule {
    JobSchedule::read(&json!({"type": "INTERVAL", "intervalMs": seconds * 1_000})).unwrap()
}

fn cron(expression: &str) -> JobSchedule {
    JobSchedule::read(&json!({"type": "CRON", "expression": expression})).unwrap()
}

pub(crate) fn timetable(key: JobKey, schedule: &JobSchedule) -> Timetable<'_> {
    Timetable {
        key,
        schedule: Some(schedule),
        zone: Zone::default(),
        revision: 1,
    }
}

pub(crate) fn subject(key: JobKey) -> RunSubject {
    RunSubject {
        key,
        tenant_id: Rid(key.org_id.0),
        name: "Daily export".to_owned(),
    }
}

pub(crate) fn claim(id: &str, now: Timestamp) -> RunClaim<'_> {
    RunClaim {
        id,
        now,
        until: now + LEASE,
    }
}

pub(crate) fn kept(now: Timestamp) -> Timestamp {
    now + Duration::from_hours(90 * 24)
}

/// Plans jobs at the beginning of time.
pub(crate) async fn planned(store: &Store, keys: &[JobKey], schedule: &JobSchedule) -> JobStates {
    let timetables: Vec<_> = keys.iter().map(|key| timetable(*key, schedule)).collect();
    store.job_states().ensure(&timetables, moment(0)).await.unwrap();
    store.job_states()
}

pub(crate) async fn state(states: &JobStates, key: JobKey) -> JobState {
    states.get(key).await.unwrap().expect("a state")
}

/// The firing that is due, and its run.
fn due_run(schedule: &JobSchedule, state: &JobState, now: Timestamp) -> (DueFiring, JobRun) {
    match plan(&timetable(state.key, schedule), state, now, MaxOverdue::default()) {
        Firing::Due(firing) => (firing, JobRun::scheduled(subject(state.key), &firing, kept(now), now)),
        other => panic!("{other:?}"),
    }
}

/// Claims the run that is due.
pub(crate) async fn begun(states: &JobStates, key: JobKey, schedule: &JobSchedule, claim: RunClaim<'_>) -> JobRun {
    let state = state(states, key).await;
    let (firing, run) = due_run(schedule, &state, claim.now);
    let outcome = states.claim(&state, &firing, &run, claim).await.unwrap();
    assert!(matches!(outcome, ClaimOutcome::Claimed(_)), "{outcome:?}");
    run
}

pub(crate) async fn statuses(store: &Store, org: i64) -> Vec<(RunStatus, u32)> {
    let (logs, all) = (store.job_logs(), JobLogFilter::default());
    let listed = logs.list(OrgId(org), &all, Page::first(500)).await.unwrap();
    listed.items.iter().map(|run| (run.status, run.missed)).collect()
}

#[tokio::test]
async fn job_state_is_planned_once_and_follows_edits_of_the_schedule() {
    let stored = Stored::fresh().await;
    let (states, other, job) = (stored.store.job_states(), stored.another().await.job_states(), key(7, 1));
    let (minutely, faster) = (every(60), every(10));
    let first = [timetable(job, &minutely)];
    let (one, two) = tokio::join!(states.ensure(&first, moment(0)), other.ensure(&first, moment(0)));
    assert_eq!((one, two), (Ok(()), Ok(())));
    states.ensure(&first, moment(30)).await.unwrap();
    let next = async || state(&states, job).await.next_run;
    assert_eq!(next().await, Some(moment(60)), "planned once");

    let edited = [Timetable {
        revision: 2,
        ..timetable(job, &faster)
    }];
    states.ensure(&edited, moment(30)).await.unwrap();
    assert_eq!(next().await, Some(moment(40)));
    other.ensure(&first, moment(31)).await.unwrap();
    assert_eq!(next().await, Some(moment(40)), "a process that is behind changes nothing");

    let inactive = [Timetable {
        schedule: None,
        revision: 3,
        ..timetable(job, &faster)
    }];
    states.ensure(&inactive, moment(32)).await.unwrap();
    assert_eq!(next().await, None);
    assert_eq!(states.due(moment(9_999), PLENTY, &[]).await.unwrap(), []);
    let again = [Timetable {
        revision: 4,
        ..timetable(job, &faster)
    }];
    states.ensure(&again, moment(100)).await.unwrap();
    assert_eq!(
        next().await,
        Some(moment(110)),
        "what it missed while inactive is not made up for"
    );
    assert_eq!(states.next_due(moment(0), moment(200)).await, Ok(Some(moment(110))));
    assert_eq!(states.of_jobs(OrgId(8), &[job.id]).await.unwrap(), [], "another's");
}

/// Runs all that is due until nothing is, and returns what this process ran.
async fn run_all(states: &JobStates, schedule: &JobSchedule, name: &str) -> Vec<JobRun> {
    let (now, mut ran) = (moment(60), Vec::new());
    loop {
        let due = states.due(now, DueLimits { per_org: 7, total: 20 }, &[]).await.unwrap();
        if due.is_empty() {
            return ran;
        }
        for state in due {
            let (firing, mut run) = due_run(schedule, &state, now);
            let claim = claim(name, now);
            match states.claim(&state, &firing, &run, claim).await.unwrap() {
                ClaimOutcome::Claimed(_) => {
                    run.succeed(now);
                    let finished = states.finish(&run, None, claim).await;
                    assert_eq!(finished, Ok(FinishOutcome::Stored(None)));
                    ran.push(run);
                }
                ClaimOutcome::Lost | ClaimOutcome::Running(_) | ClaimOutcome::AlreadyRan(_) => {}
                ClaimOutcome::NotFound => panic!("it has a state"),
            }
        }
    }
}

#[tokio::test]
async fn job_firings_of_two_runners_run_once_each() {
    let stored = Stored::fresh().await;
    let jobs: Vec<_> = (0..200).map(|number| key(number / 20, number.unsigned_abs())).collect();
    let schedule = every(60);
    let states = planned(&stored.store, &jobs, &schedule).await;
    let other = stored.another().await.job_states();
    let (one, two) = tokio::join!(run_all(&states, &schedule, "one"), run_all(&other, &schedule, "two"));
    let all: BTreeSet<_> = one.iter().chain(&two).map(|run| run.subject.key).collect();
    assert_eq!((one.len() + two.len(), all.len()), (200, 200));
    for org in 0..10 {
        assert_eq!(statuses(&stored.store, org).await, [(RunStatus::Success, 0); 20]);
    }
    let after = state(&states, jobs[0]).await;
    assert_eq!(
        (after.next_run, after.last_outcome),
        (Some(moment(120)), Some(RunStatus::Success))
    );
    assert_eq!((after.last_run, after.running), (Some(moment(60)), None));
}

#[tokio::test]
async fn job_firings_that_are_due_are_shared_fairly_between_organisations() {
    let stored = Stored::fresh().await;
    let many: Vec<_> = (0..100).map(|number| key(1, number)).collect();
    let states = planned(&stored.store, &many, &every(10)).await;
    planned(&stored.store, &[key(2, 200)], &every(30)).await;
    planned(&stored.store, &[key(3, 300), key(3, 301)], &every(20)).await;
    let orgs = async |limits, without: &[OrgId]| {
        let due = states.due(moment(60), limits, without).await.unwrap();
        due.iter().map(|state| state.key.org_id.0).collect::<Vec<_>>()
    };
    let few = DueLimits { per_org: 3, total: 5 };
    assert_eq!(orgs(few, &[]).await, [1, 3, 2, 1, 3]);
    assert_eq!(orgs(few, &[OrgId(1)]).await, [3, 2, 3]);
    assert_eq!(orgs(DueLimits { per_org: 1, total: 50 }, &[]).await, [1, 3, 2]);
    assert_eq!(orgs(PLENTY, &[]).await.len(), 103);
    assert!(orgs(DueLimits { per_org: 3, total: 0 }, &[]).await.is_empty());
}

#[tokio::test]
async fn job_firings_missed_while_everything_was_down_run_once() {
    let stored = Stored::fresh().await;
    // The tests' time begins at noon.
    let (hourly, job) = (cron("0 * * * *"), key(7, 1));
    let states = planned(&stored.store, &[job], &hourly).await;
    let back = moment(5 * 3_600 + 60);
    let run = begun(&states, job, &hourly, claim("a", back)).await;
    assert_eq!((run.missed, state(&states, job).await.next_run), (4, Some(moment(6 * 3_600))));
    assert_eq!(states.due(back, PLENTY, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn job_firing_later_than_allowed_is_noted_as_skipped() {
    let stored = Stored::fresh().await;
    let (hourly, job) = (cron("0 * * * *"), key(7, 1));
    let states = planned(&stored.store, &[job], &hourly).await;
    let (read, now) = (state(&states, job).await, moment(2 * 3_600 + 600));
    let limit = MaxOverdue(Duration::from_mins(5));
    let Firing::Skipped(firing, reason) = plan(&timetable(job, &hourly), &read, now, limit) else {
        panic!("it is ten minutes late");
    };
    let skipped = JobRun::skipped(subject(job), &firing, reason, kept(now), now);
    assert_eq!(states.skip(&read, &firing, &skipped).await, Ok(true));
    assert_eq!(
        states.skip(&read, &firing, &skipped).await,
        Ok(false),
        "another process was faster"
    );
    assert_eq!(stored.store.job_logs().get(OrgId(7), skipped.id).await, Ok(Some(skipped)));
    assert_eq!(state(&states, job).await.next_run, Some(moment(3 * 3_600)));
}

#[tokio::test]
async fn job_firings_during_a_run_are_counted_in_one_log() {
    let stored = Stored::fresh().await;
    let (schedule, job) = (every(10), key(7, 1));
    let states = planned(&stored.store, &[job], &schedule).await;
    let long = RunClaim {
        until: moment(1_000),
        ..claim("a", moment(10))
    };
    let mut run = begun(&states, job, &schedule, long).await;
    let id = run.id;
    let skip_at = async |second| {
        let (read, now) = (state(&states, job).await, moment(second));
        let planned = plan(&timetable(job, &schedule), &read, now, MaxOverdue::default());
        let Firing::Skipped(firing, reason) = planned else {
            panic!("{planned:?}");
        };
        assert_eq!(reason, SkipReason::StillRunning(id));
        let skipped = JobRun::skipped(subject(job), &firing, reason, kept(now), now);
        (read, firing, skipped)
    };
    for second in [20, 35] {
        let (read, firing, skipped) = skip_at(second).await;
        assert_eq!(states.skip(&read, &firing, &skipped).await, Ok(true));
    }
    let (read, firing, skipped) = skip_at(45).await;
    run.succeed(moment(45));
    states.finish(&run, None, claim("a", moment(45))).await.unwrap();
    assert_eq!(states.skip(&read, &firing, &skipped).await, Ok(false), "the run has ended");
    let log = stored
        .store
        .job_logs()
        .get(OrgId(7), id.skips())
        .await
        .unwrap()
        .expect("a log");
    let skip = log.skip.expect("skipped firings");
    assert_eq!((skip.firings, skip.last_due_at), (2, moment(30)));
    assert_eq!((log.status, log.completed_at), (RunStatus::Skipped, Some(moment(35))));
    assert_eq!(statuses(&stored.store, 7).await.len(), 2);
}
