//! The holder of a run: what fences it, and how the next one goes on wherever it died.

use ig_core::job::{
    CancelRequest, Excerpt, Firing, JobKey, JobRun, JobSchedule, JobState, PayloadDigest, Resumption, RunError, RunProgress,
    RunStage, RunStatus, RunTrigger, StageResult, plan,
};
use ig_core::schedule::MaxOverdue;
use ig_store::{CancelOutcome, ClaimOutcome, FinishOutcome, HoldOutcome, JobStates, RunTakenOver};
use mongodb::bson::{DateTime, Document, doc};

use super::{LEASE, PLENTY, begun, claim, cron, every, kept, key, planned, state, statuses, subject, timetable};
use crate::stored::{Stored, moment};

const BEGIN: i64 = 60;

struct Ground {
    stored: Stored,
    states: JobStates,
    other: JobStates,
    job: JobKey,
    schedule: JobSchedule,
}

/// A job that runs every hour, first at `BEGIN`, and two processes.
async fn ground() -> Ground {
    let stored = Stored::fresh().await;
    let (job, first) = (key(7, 1), every(60));
    let states = planned(&stored.store, &[job], &first).await;
    let other = stored.another().await.job_states();
    Ground {
        states,
        other,
        job,
        schedule: first,
        stored,
    }
}

fn delivering(delivered: u32) -> RunProgress {
    RunProgress::Delivery {
        batches: 3,
        delivered,
        digest: PayloadDigest::of(["a", "b", "c"]),
    }
}

/// Takes over the run that its holder has left by now.
async fn taken_over(states: &JobStates, name: &str, second: i64) -> RunTakenOver {
    let now = moment(second);
    let lost = states.expired(now, 10, &[]).await.unwrap();
    assert_eq!(lost.len(), 1, "one run is lost");
    states
        .take_over(&lost[0], claim(name, now))
        .await
        .unwrap()
        .expect("it is free")
}

fn resumption(taken: &RunTakenOver) -> Resumption {
    taken.state.running.as_ref().expect("a run").resumption()
}

#[tokio::test]
async fn job_run_has_one_holder_and_an_expired_one_is_refused() {
    let ground = ground().await;
    let Ground { states, other, job, .. } = &ground;
    let mut run = begun(states, *job, &ground.schedule, claim("a", moment(BEGIN))).await;
    let renewed = states.renew(*job, run.id, claim("a", moment(BEGIN + 20))).await;
    assert_eq!(renewed, Ok(HoldOutcome::Held));
    assert_eq!(other.expired(moment(BEGIN + 49), 10, &[]).await, Ok(Vec::new()), "renewed");
    assert_eq!(
        other.renew(*job, run.id, claim("b", moment(BEGIN + 21))).await,
        Ok(HoldOutcome::Lost)
    );

    let late = claim("a", moment(BEGIN + 50));
    run.counts.records_fetched = 5;
    assert_eq!(
        states.renew(*job, run.id, late).await,
        Ok(HoldOutcome::Lost),
        "although it is still free"
    );
    assert_eq!(states.advance(&run, &delivering(1), late).await, Ok(HoldOutcome::Lost));
    let lost = other.expired(moment(BEGIN + 50), 10, &[]).await.unwrap();
    let (b, c) = (claim("b", moment(BEGIN + 50)), claim("c", moment(BEGIN + 50)));
    let (one, two) = tokio::join!(states.take_over(&lost[0], b), other.take_over(&lost[0], c));
    let winners: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "one of two takes it over");
    assert_eq!(
        winners[0].run.counts.records_fetched, 0,
        "the log is as the first holder left it"
    );

    run.succeed(moment(BEGIN + 51));
    let first = claim("a", moment(BEGIN + 51));
    assert_eq!(states.advance(&run, &delivering(2), first).await, Ok(HoldOutcome::Lost));
    assert_eq!(states.finish(&run, None, first).await, Ok(FinishOutcome::Lost));
    assert_eq!(statuses(&ground.stored.store, 7).await, [(RunStatus::Running, 0)]);
}

#[tokio::test]
async fn job_run_abandoned_at_any_stage_is_continued_by_the_next_holder() {
    let digest = PayloadDigest::of(["a", "b", "c"]);
    let continued = |from_batch| Resumption::Continue { from_batch, digest };
    let table = [
        (vec![], Resumption::Restart),
        (vec![RunProgress::Transformation], Resumption::Restart),
        (vec![RunProgress::Transformation, delivering(0)], continued(0)),
        (vec![RunProgress::Transformation, delivering(0), delivering(2)], continued(2)),
        (vec![delivering(3)], continued(3)),
    ];
    for (steps, expected) in table {
        let ground = ground().await;
        let Ground { states, other, job, .. } = &ground;
        let hold = claim("a", moment(BEGIN));
        let mut run = begun(states, *job, &ground.schedule, hold).await;
        for step in &steps {
            run.counts.records_fetched += 10;
            assert_eq!(states.advance(&run, step, hold).await, Ok(HoldOutcome::Held));
        }
        let end = BEGIN + 30;
        let taken = taken_over(other, "b", end).await;
        assert_eq!(resumption(&taken), expected, "{steps:?}");
        assert_eq!(taken.run, run, "{steps:?}");
        let mut run = taken.run.restarted();
        run.succeed(moment(end + 1));
        let finished = other.finish(&run, None, claim("b", moment(end + 1))).await;
        assert_eq!(finished, Ok(FinishOutcome::Stored(None)));
        assert_eq!(statuses(&ground.stored.store, 7).await, [(RunStatus::Success, 0)]);
        assert_eq!(other.expired(moment(9_999), 10, &[]).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn job_run_abandoned_between_its_state_and_its_log_is_continued() {
    let ground = ground().await;
    let Ground { states, other, job, .. } = &ground;
    let run = begun(states, *job, &ground.schedule, claim("a", moment(BEGIN))).await;
    let database = ground.stored.database.open().await;
    let only_the_state = doc! { "$set": { "running.stage": "TRANSFORMATION" } };
    let rows = database.collection::<Document>("scheduled_job_states");
    rows.update_one(doc! {}, only_the_state).await.unwrap();
    let taken = taken_over(other, "b", BEGIN + 30).await;
    assert_eq!((resumption(&taken), &taken.run), (Resumption::Restart, &run));
    let mut again = taken.run;
    again.stages.record(RunStage::DataFetch, StageResult::Success);
    again.data_fetched = Some(Excerpt::of(b"[1]"));
    let hold = claim("b", moment(BEGIN + 31));
    assert_eq!(
        other.advance(&again, &RunProgress::Transformation, hold).await,
        Ok(HoldOutcome::Held)
    );
    assert_eq!(ground.stored.store.job_logs().get(job.org_id, run.id).await, Ok(Some(again)));
}

#[tokio::test]
async fn job_run_that_ends_its_processes_is_given_up() {
    let ground = ground().await;
    begun(&ground.states, ground.job, &ground.schedule, claim("0", moment(BEGIN))).await;
    let mut second = BEGIN;
    for name in ["1", "2"] {
        second += 30;
        let taken = taken_over(&ground.other, name, second).await;
        assert_eq!(resumption(&taken), Resumption::Restart, "{name}");
    }
    let RunTakenOver { state, mut run } = taken_over(&ground.other, "3", second + 30).await;
    let Resumption::Fail(error) = state.running.unwrap().resumption() else {
        panic!("three were lost");
    };
    run.fail(error, moment(second + 31));
    let finished = ground.other.finish(&run, None, claim("3", moment(second + 31))).await;
    assert_eq!(finished, Ok(FinishOutcome::Stored(None)));
    assert_eq!(statuses(&ground.stored.store, 7).await, [(RunStatus::Failed, 0)]);
}

#[tokio::test]
async fn job_run_released_by_its_holder_is_taken_over_at_once() {
    let ground = ground().await;
    let run = begun(&ground.states, ground.job, &ground.schedule, claim("a", moment(BEGIN))).await;
    let leaving = claim("a", moment(BEGIN + 1));
    ground.states.release(ground.job, run.id, leaving).await.unwrap();
    assert_eq!(taken_over(&ground.other, "b", BEGIN + 1).await.run, run);
    ground.states.release(ground.job, run.id, leaving).await.unwrap();
    let lost = ground.other.expired(moment(BEGIN + 2), 10, &[]).await;
    assert_eq!(lost, Ok(Vec::new()), "it is not the first holder's to release any more");
}

#[tokio::test]
async fn job_firing_missed_with_a_lost_run_comes_due_when_the_run_ends() {
    let stored = Stored::fresh().await;
    let (hourly, job) = (cron("0 * * * *"), key(7, 1));
    let states = planned(&stored.store, &[job], &hourly).await;
    begun(&states, job, &hourly, claim("a", moment(3_600))).await;
    let back = 3 * 3_600 + 60;
    let due = async |second| states.due(moment(second), PLENTY, &[]).await.unwrap();
    let planned = |state: &JobState, second| plan(&timetable(job, &hourly), state, moment(second), MaxOverdue::default());
    assert_eq!(planned(&due(back).await[0], back), Firing::AfterRun);
    let RunTakenOver { mut run, .. } = taken_over(&states, "b", back).await;
    assert_eq!(due(back + 1).await, [], "the firing waits");
    run.succeed(moment(back + 5));
    states.finish(&run, None, claim("b", moment(back + 5))).await.unwrap();
    let waiting = due(back + 5).await;
    let Firing::Due(firing) = planned(&waiting[0], back + 5) else {
        panic!("the run has ended");
    };
    assert_eq!((firing.due_at, firing.missed), (moment(3 * 3_600), 1));
}

#[tokio::test]
async fn job_run_requested_twice_with_one_key_begins_once() {
    let ground = ground().await;
    let Ground { states, other, job, .. } = &ground;
    let (now, by) = (moment(5), "ada@hospital.example");
    let request = |idempotency_key| JobRun::manual(subject(*job), by, idempotency_key, kept(now), now);
    let run = request("k1");
    let both = tokio::join!(
        states.claim_manual(&run, claim("a", now)),
        other.claim_manual(&run, claim("b", now))
    );
    let outcomes = [both.0.unwrap(), both.1.unwrap()];
    let begun = outcomes
        .iter()
        .position(|outcome| matches!(outcome, ClaimOutcome::Claimed(_)));
    let begun = begun.expect("one begins it");
    assert_eq!(outcomes[1 - begun], ClaimOutcome::AlreadyRan(RunStatus::Running));
    let busy = states.claim_manual(&request("k2"), claim("c", now)).await;
    assert_eq!(busy, Ok(ClaimOutcome::Running(run.id)));
    let unknown = JobRun::manual(subject(key(8, 1)), by, "k1", kept(now), now);
    let foreign = states.claim_manual(&unknown, claim("d", now)).await;
    assert_eq!(foreign, Ok(ClaimOutcome::NotFound), "the job is another organisation's");
    let stored = ground.stored.store.job_logs().get(job.org_id, run.id).await.unwrap().unwrap();
    assert_eq!(stored.trigger, RunTrigger::Manual { by: by.to_owned() });
    assert_eq!(
        state(states, *job).await.next_run,
        Some(moment(BEGIN)),
        "the schedule goes on"
    );
}

#[tokio::test]
async fn job_run_learns_of_its_cancellation_with_its_next_write() {
    let ground = ground().await;
    let Ground { states, other, job, .. } = &ground;
    let mut run = begun(states, *job, &ground.schedule, claim("a", moment(BEGIN))).await;
    let foreign = JobKey {
        org_id: ig_core::id::OrgId(8),
        ..*job
    };
    assert_eq!(
        other.cancel(foreign, run.id, "Eve", moment(BEGIN)).await,
        Ok(CancelOutcome::NotFound)
    );
    assert_eq!(
        other.cancel(*job, run.id.skips(), "Ada", moment(BEGIN)).await,
        Ok(CancelOutcome::NotFound)
    );
    for by in ["Ada", "Bob"] {
        let requested = other.cancel(*job, run.id, by, moment(BEGIN + 1)).await;
        assert_eq!(requested, Ok(CancelOutcome::Requested));
    }
    let request = CancelRequest::new("Ada", moment(BEGIN + 1));
    let hold = claim("a", moment(BEGIN + 2));
    let seen = HoldOutcome::CancelRequested(request.clone());
    assert_eq!(states.renew(*job, run.id, hold).await, Ok(seen.clone()));
    assert_eq!(states.advance(&run, &delivering(1), hold).await, Ok(seen));
    let taken = taken_over(other, "b", BEGIN + 2 + i64::try_from(LEASE.as_secs()).unwrap()).await;
    assert_eq!(resumption(&taken), Resumption::Cancel(request));
    let end = moment(BEGIN + 40);
    run.cancel(end);
    other.finish(&run, None, claim("b", end)).await.unwrap();
    let late = other.cancel(*job, run.id, "Ada", end).await;
    assert_eq!(late, Ok(CancelOutcome::Ended(RunStatus::Cancelled)));
}

#[tokio::test]
async fn job_firing_does_not_run_again_after_the_clock_was_set_back() {
    let ground = ground().await;
    let Ground { states, job, .. } = &ground;
    let before = state(states, *job).await;
    let mut run = begun(states, *job, &ground.schedule, claim("a", moment(BEGIN))).await;
    run.fail(RunError::new(RunStage::DataFetch, "No answer.", None), moment(BEGIN + 1));
    states.finish(&run, None, claim("a", moment(BEGIN + 1))).await.unwrap();
    let database = ground.stored.database.open().await;
    let rows = database.collection::<Document>("scheduled_job_states");
    let back = DateTime::from_millis(moment(BEGIN).timestamp_millis());
    let set_back = doc! { "$set": { "nextRun": back, "dueAt": back } };
    rows.update_one(doc! {}, set_back).await.unwrap();
    let planned_again = JobState {
        next_run: before.next_run,
        ..state(states, *job).await
    };
    let (firing, again) = super::due_run(&ground.schedule, &planned_again, moment(BEGIN));
    let outcome = states.claim(&planned_again, &firing, &again, claim("b", moment(BEGIN))).await;
    assert_eq!(outcome, Ok(ClaimOutcome::AlreadyRan(RunStatus::Failed)));
    assert_eq!(state(states, *job).await.next_run, firing.next_run, "it has moved on");
}
