use chrono::{TimeZone as _, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::job::{RunId, RunProgress};

const KEY: JobKey = JobKey {
    org_id: OrgId(7),
    id: IntegrationId([1; 12]),
};

fn at(day: u32, hour: u32, minute: u32) -> Timestamp {
    Utc.with_ymd_and_hms(2026, 2, day, hour, minute, 0).unwrap()
}

fn cron(expression: &str) -> JobSchedule {
    JobSchedule::read(&json!({"type": "CRON", "expression": expression})).unwrap()
}

fn every(interval: Duration) -> JobSchedule {
    JobSchedule::read(&json!({"type": "INTERVAL", "intervalMs": u64::try_from(interval.as_millis()).unwrap()})).unwrap()
}

fn timetable(schedule: &JobSchedule) -> Timetable<'_> {
    Timetable {
        key: KEY,
        schedule: Some(schedule),
        zone: Zone::default(),
        revision: 1,
    }
}

/// The state of a job that this schedule planned for a moment.
fn planned_for(schedule: &JobSchedule, next: Timestamp) -> JobState {
    JobState {
        rule: timetable(schedule).rule(),
        revision: 1,
        next_run: Some(next),
        ..JobState::new(KEY)
    }
}

fn plan_at(schedule: &JobSchedule, state: &JobState, now: Timestamp) -> Firing {
    plan(&timetable(schedule), state, now, MaxOverdue::default())
}

fn running(held_since: Timestamp, until: Timestamp) -> RunningRun {
    RunningRun {
        run: RunId([9; 12]),
        started_at: held_since,
        claim: "claim".to_owned(),
        held_since,
        until,
        holders: 1,
        progress: RunProgress::DataFetch,
        cancel: None,
    }
}

fn due_firing(due_at: Timestamp, missed: u32, next_run: Timestamp) -> DueFiring {
    DueFiring {
        due_at,
        missed,
        next_run: Some(next_run),
    }
}

#[test]
fn firing_of_a_new_job_is_planned_after_now() {
    let new = JobState::new(KEY);
    assert_eq!(plan_at(&cron("0 9 * * *"), &new, at(4, 9, 0)), Firing::Planned(at(5, 9, 0)));
    let hourly = every(Duration::from_hours(1));
    assert_eq!(plan_at(&hourly, &new, at(4, 9, 0)), Firing::Planned(at(4, 10, 0)));
    let inactive = Timetable {
        schedule: None,
        ..timetable(&hourly)
    };
    assert_eq!(plan(&inactive, &new, at(4, 9, 0), MaxOverdue::default()), Firing::Never);
}

#[test]
fn firing_on_time_runs_and_names_the_next() {
    let daily = cron("0 9 * * *");
    let state = planned_for(&daily, at(4, 9, 0));
    assert_eq!(plan_at(&daily, &state, at(4, 8, 59)), Firing::Planned(at(4, 9, 0)));
    let due = due_firing(at(4, 9, 0), 0, at(5, 9, 0));
    assert_eq!(plan_at(&daily, &state, at(4, 9, 0)), Firing::Due(due));
}

#[test]
fn firing_of_an_interval_counts_from_the_run() {
    let hourly = every(Duration::from_hours(1));
    let state = planned_for(&hourly, at(4, 9, 0));
    let late = due_firing(at(4, 9, 0), 0, at(4, 10, 20));
    assert_eq!(plan_at(&hourly, &state, at(4, 9, 20)), Firing::Due(late));
    let returned = due_firing(at(4, 9, 0), 72, at(7, 10, 30));
    assert_eq!(plan_at(&hourly, &state, at(7, 9, 30)), Firing::Due(returned), "however late");
}

#[test]
fn firing_missed_by_a_cron_rule_runs_once_and_counts_the_others() {
    let daily = cron("0 9 * * *");
    let state = planned_for(&daily, at(4, 9, 0));
    let once = due_firing(at(7, 9, 0), 3, at(8, 9, 0));
    assert_eq!(plan_at(&daily, &state, at(7, 12, 0)), Firing::Due(once));
}

#[test]
fn firing_later_than_allowed_is_skipped() {
    let daily = cron("0 9 * * *");
    let state = planned_for(&daily, at(4, 9, 0));
    let hour = MaxOverdue(Duration::from_hours(1));
    let Firing::Skipped(firing, SkipReason::TooLate(why)) = plan(&timetable(&daily), &state, at(5, 12, 0), hour) else {
        panic!("it is three hours late");
    };
    assert_eq!(firing, due_firing(at(5, 9, 0), 1, at(6, 9, 0)));
    assert!(why.contains("10800 s ago"), "{why}");
}

#[test]
fn firings_of_a_year_are_not_counted_one_by_one() {
    let every_second = cron("* * * * * *");
    let state = planned_for(&every_second, at(4, 9, 0));
    let now = at(4, 9, 0) + TimeDelta::days(365) + TimeDelta::milliseconds(250);
    let latest = now - TimeDelta::milliseconds(250);
    let due = due_firing(latest, MAX_MISSED_COUNTED, latest + CRON_RESOLUTION);
    assert_eq!(plan_at(&every_second, &state, now), Firing::Due(due));
}

#[test]
fn firing_during_a_run_is_skipped_and_never_queued() {
    let hourly = every(Duration::from_hours(1));
    let state = JobState {
        running: Some(running(at(4, 8, 0), at(4, 9, 30))),
        ..planned_for(&hourly, at(4, 9, 0))
    };
    let skipped = |firing| Firing::Skipped(firing, SkipReason::StillRunning(RunId([9; 12])));
    let one = due_firing(at(4, 9, 0), 0, at(4, 10, 0));
    assert_eq!(plan_at(&hourly, &state, at(4, 9, 0)), skipped(one));
    let daily = cron("0 9 * * *");
    let state = JobState {
        running: state.running,
        ..planned_for(&daily, at(4, 9, 0))
    };
    let one = due_firing(at(4, 9, 0), 0, at(5, 9, 0));
    assert_eq!(plan_at(&daily, &state, at(4, 9, 0)), skipped(one));
}

#[test]
fn firing_missed_with_a_lost_run_waits_for_the_end_of_the_run() {
    let daily = cron("0 9 * * *");
    let lost = JobState {
        running: Some(running(at(3, 9, 0), at(3, 9, 1))),
        ..planned_for(&daily, at(4, 9, 0))
    };
    assert_eq!(plan_at(&daily, &lost, at(4, 12, 0)), Firing::AfterRun, "the lease is over");
    let taken_over = JobState {
        running: Some(running(at(4, 12, 0), at(4, 12, 1))),
        ..lost.clone()
    };
    assert_eq!(plan_at(&daily, &taken_over, at(4, 12, 0)), Firing::AfterRun);
    let ended = JobState { running: None, ..lost };
    let due = due_firing(at(4, 9, 0), 0, at(5, 9, 0));
    assert_eq!(plan_at(&daily, &ended, at(4, 12, 5)), Firing::Due(due));
}

#[test]
fn firing_after_an_edit_follows_the_new_schedule() {
    let (daily, later) = (cron("0 9 * * *"), cron("0 10 * * *"));
    let state = planned_for(&daily, at(4, 9, 0));
    assert_eq!(plan_at(&later, &state, at(4, 9, 1)), Firing::Planned(at(4, 10, 0)));
    let kolkata = Timetable {
        zone: "Asia/Kolkata".parse().unwrap(),
        ..timetable(&daily)
    };
    let moved = plan(&kolkata, &state, at(4, 0, 0), MaxOverdue::default());
    assert_eq!(moved, Firing::Planned(at(4, 3, 30)), "the tenant's zone changed");
    let ran = JobState {
        last_run: Some(at(4, 8, 0)),
        ..state
    };
    let plan_every = |hours| plan_at(&every(Duration::from_hours(hours)), &ran, at(4, 10, 0));
    assert_eq!(plan_every(6), Firing::Planned(at(4, 14, 0)));
    assert_eq!(plan_every(1), Firing::Planned(at(4, 10, 0)), "overdue under the new rule");
}

#[test]
fn firing_of_an_earlier_configuration_leaves_the_state_alone() {
    let (daily, later) = (cron("0 9 * * *"), cron("0 10 * * *"));
    let state = JobState {
        revision: 2,
        ..planned_for(&later, at(4, 10, 0))
    };
    assert_eq!(plan_at(&daily, &state, at(4, 12, 0)), Firing::Stale);
    let same_rule = JobState {
        revision: 2,
        ..planned_for(&daily, at(4, 9, 0))
    };
    assert!(matches!(plan_at(&daily, &same_rule, at(4, 9, 0)), Firing::Due(_)));
}

#[test]
fn firing_planned_by_a_clock_that_was_wrong_is_planned_anew() {
    let (daily, hourly) = (cron("0 9 * * *"), every(Duration::from_hours(1)));
    let years_ahead = at(4, 9, 0) + TimeDelta::days(3650);
    let state = planned_for(&daily, years_ahead);
    assert_eq!(plan_at(&daily, &state, at(4, 8, 0)), Firing::Planned(at(4, 9, 0)));
    let state = planned_for(&hourly, years_ahead);
    assert_eq!(plan_at(&hourly, &state, at(4, 8, 0)), Firing::Planned(at(4, 9, 0)));
    let skewed = planned_for(&daily, at(5, 9, 0));
    let just_before = at(4, 9, 0) - TimeDelta::milliseconds(50);
    assert_eq!(
        plan_at(&daily, &skewed, just_before),
        Firing::Planned(at(5, 9, 0)),
        "another replica's clock was a little ahead when it ran"
    );
}

#[test]
fn firings_on_the_days_that_clocks_change_follow_the_law_of_occurrences() {
    let berlin = JobSchedule::read(&json!({"type": "CRON", "expression": "30 2 * * *", "timezone": "Europe/Berlin"})).unwrap();
    let utc = |month, day, hour, minute| Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).unwrap();
    let fired = |first: Timestamp| {
        let now = first + TimeDelta::days(2);
        match plan_at(&berlin, &planned_for(&berlin, first), now) {
            Firing::Due(firing) => (firing.due_at, firing.missed),
            other => panic!("{other:?}"),
        }
    };
    // 29 March has no 02:30: the run is at 03:00, which is 01:00 UTC.
    assert_eq!(
        plan_at(&berlin, &JobState::new(KEY), utc(3, 28, 12, 0)),
        Firing::Planned(utc(3, 29, 1, 0))
    );
    assert_eq!(fired(utc(3, 28, 1, 30)), (utc(3, 30, 0, 30), 2));
    // 25 October has two: the run is at the first.
    assert_eq!(
        plan_at(&berlin, &JobState::new(KEY), utc(10, 24, 12, 0)),
        Firing::Planned(utc(10, 25, 0, 30))
    );
    assert_eq!(fired(utc(10, 24, 0, 30)), (utc(10, 25, 0, 30), 1));
}

fn due_job(org: i64, number: u8, second: i64) -> JobState {
    JobState {
        next_run: Some(at(4, 9, 0) + TimeDelta::seconds(second)),
        ..JobState::new(JobKey {
            org_id: OrgId(org),
            id: IntegrationId([number; 12]),
        })
    }
}

#[test]
fn firings_of_one_tenant_do_not_hide_those_of_another() {
    let mut due: Vec<_> = (0..100).map(|number| due_job(1, number, 0)).collect();
    due.extend([due_job(2, 200, 50), due_job(3, 201, 40)]);
    let turns = in_turns(due, 3, 4);
    let orgs: Vec<_> = turns.iter().map(|state| state.key.org_id.0).collect();
    assert_eq!(orgs, [1, 3, 2, 1]);
}

fn schedules() -> impl Strategy<Value = JobSchedule> {
    prop_oneof![
        proptest::sample::select(&[
            "0 9 * * *",
            "*/7 * * * *",
            "30 2 * * *",
            "15,45 */5 * * *",
            "0 0 1 * *",
            "20 * * * * *"
        ])
        .prop_map(cron),
        (1_u64..200_000).prop_map(|seconds| every(Duration::from_secs(seconds))),
    ]
}

proptest! {
    #[test]
    fn firings_run_in_order_each_once_and_none_is_lost(
        schedule in schedules(),
        zone in proptest::sample::select(&["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
        steps in proptest::collection::vec(1_i64..400_000, 1..40),
    ) {
        let timetable = Timetable { zone: zone.parse().unwrap(), ..timetable(&schedule) };
        let year = MaxOverdue(Duration::from_hours(24 * 366));
        let begin = Utc.with_ymd_and_hms(2026, 3, 20, 0, 0, 0).unwrap();
        let (mut now, mut state, mut fired) = (begin, JobState::new(KEY), 0_u32);
        for step in steps {
            match plan(&timetable, &state, now, year) {
                Firing::Planned(next) => {
                    prop_assert!(next >= now);
                    (state.rule, state.next_run) = (timetable.rule(), Some(next));
                }
                Firing::Due(firing) => {
                    prop_assert!(state.next_run <= Some(firing.due_at) && firing.due_at <= now);
                    prop_assert!(firing.next_run > Some(now));
                    (state.last_run, state.next_run) = (Some(now), firing.next_run);
                    fired = fired.saturating_add(firing.missed + 1);
                    if firing.missed >= MAX_MISSED_COUNTED {
                        return Ok(());
                    }
                }
                other => prop_assert!(false, "{:?}", other),
            }
            now += TimeDelta::seconds(step);
        }
        if schedule.interval().is_none() {
            let up_to = state.next_run.unwrap();
            let all = std::iter::successors(schedule.next(begin, timetable.zone), |last| schedule.next(*last, timetable.zone));
            prop_assert_eq!(u32::try_from(all.take_while(|at| *at < up_to).count()).unwrap(), fired);
        }
    }

    #[test]
    fn firing_latest_of_many_is_found_by_halving(
        rule in proptest::sample::select(&["20 * * * * *", "0 9 * * *", "30 2 * * *", "0 */3 * * *", "0 0 1 * *"]),
        seconds in 1_i64..40_000_000,
    ) {
        let schedule = cron(rule);
        let zoned = ZonedRule { schedule: &schedule, zone: "Europe/Berlin".parse().unwrap() };
        let first = zoned.after(at(4, 9, 0)).unwrap();
        let now = first + TimeDelta::seconds(seconds);
        let last = zoned.last_up_to(first, now);
        prop_assert!(last <= now);
        prop_assert!(zoned.after(last).is_none_or(|next| next > now));
        prop_assert_eq!(zoned.after(last - TimeDelta::milliseconds(1)), Some(last));
    }

    #[test]
    fn firings_take_turns_without_loss(orgs in proptest::collection::vec(0_i64..5, 0..60), per_org in 1_usize..10, limit in 1_usize..70) {
        let due: Vec<_> = orgs.iter().zip(0_u8..).map(|(org, number)| due_job(*org, number, i64::from(number))).collect();
        let turns = in_turns(due, per_org, limit);
        let of = |org: i64| turns.iter().filter(|state| state.key.org_id == OrgId(org)).count();
        let wanted: usize = (0..5).map(|org| orgs.iter().filter(|one| **one == org).count().min(per_org)).sum();
        prop_assert_eq!(turns.len(), wanted.min(limit));
        for org in 0..5 {
            let has = orgs.iter().filter(|one| **one == org).count().min(per_org);
            for other in 0..5 {
                prop_assert!(of(org) == has || of(org) + 1 >= of(other), "{} has less than its turns", org);
            }
        }
    }
}
