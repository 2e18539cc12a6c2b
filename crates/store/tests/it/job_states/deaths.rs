//! Holders that die at every step of a run, one after the other: the run ends once, and no batch is delivered twice.

use std::collections::BTreeMap;

use futures::future::join_all;
use ig_core::job::{JobRun, JobSchedule, PayloadDigest, Resumption, RunProgress, RunStatus, batch_message_id};
use ig_store::{FinishOutcome, HoldOutcome, JobStates, RunClaim, RunTakenOver};

use super::{LEASE, begun, claim, every, key, planned, state};
use crate::stored::{Stored, moment};

const BATCHES: [&str; 2] = ["a", "b"];
/// A run is claimed, transforms, begins to deliver, sends and records two batches, and ends.
const STEPS: usize = 7;

/// What the target received: how often each message came.
type Received = BTreeMap<String, usize>;

/// Counts the steps of a holder until it dies.
struct Life(usize);

impl Life {
    fn is_over(&mut self) -> bool {
        let is_over = self.0 == 0;
        self.0 = self.0.saturating_sub(1);
        is_over
    }
}

fn delivering(delivered: u32) -> RunProgress {
    RunProgress::Delivery {
        batches: 2,
        delivered,
        digest: PayloadDigest::of(BATCHES),
    }
}

/// How a holder ended.
#[derive(Debug, PartialEq)]
enum End {
    /// It ended the run.
    Finished,
    /// It died before it sent, or after it had recorded what it sent.
    Died,
    /// It died between the two.
    DiedAfterSending,
}

/// Executes a run from a batch on.
async fn execute(
    states: &JobStates,
    run: &mut JobRun,
    hold: RunClaim<'_>,
    from: u32,
    mut life: Life,
    received: &mut Received,
) -> End {
    if life.is_over() {
        return End::Died;
    }
    for progress in [RunProgress::Transformation, delivering(from)] {
        assert_eq!(states.advance(run, &progress, hold).await, Ok(HoldOutcome::Held));
        if life.is_over() {
            return End::Died;
        }
    }
    for batch in from..2 {
        let message = batch_message_id(run.subject.key.id, run.id, batch);
        *received.entry(message.to_string()).or_default() += 1;
        if life.is_over() {
            return End::DiedAfterSending;
        }
        run.counts.delivered = batch + 1;
        states.advance(run, &delivering(batch + 1), hold).await.unwrap();
        if life.is_over() {
            return End::Died;
        }
    }
    run.succeed(hold.now);
    assert_eq!(states.finish(run, None, hold).await, Ok(FinishOutcome::Stored(None)));
    End::Finished
}

/// Goes on with the run that a dead holder left.
async fn resume(states: &JobStates, job: u64, hold: RunClaim<'_>, life: Life, received: &mut Received) -> End {
    let lost = state(states, key(7, job)).await;
    let taken = states.take_over(&lost, hold).await.unwrap();
    let RunTakenOver { state, mut run } = taken.expect("its lease is over");
    let from = match state.running.expect("a run").resumption() {
        Resumption::Restart => 0,
        Resumption::Continue { from_batch, digest } => {
            assert_eq!(digest, PayloadDigest::of(BATCHES));
            from_batch
        }
        other => panic!("{other:?}"),
    };
    execute(states, &mut run, hold, from, life, received).await
}

/// Two holders die after so many steps, and the third does not. Returns how many died between sending and recording.
async fn live_and_die(states: &JobStates, job: u64, schedule: &JobSchedule, lives: [usize; 2]) -> (Received, usize) {
    let mut received = Received::new();
    let first = claim("first", moment(60));
    let mut run = begun(states, key(7, job), schedule, first).await;
    let mut ends = vec![execute(states, &mut run, first, 0, Life(lives[0]), &mut received).await];
    for (name, life, later) in [("second", lives[1], 1), ("third", usize::MAX, 2)] {
        if !ends.contains(&End::Finished) {
            let hold = claim(name, moment(60) + LEASE * later);
            ends.push(resume(states, job, hold, Life(life), &mut received).await);
        }
    }
    assert_eq!(ends.last(), Some(&End::Finished), "{lives:?}");
    let in_flight = ends.iter().filter(|end| **end == End::DiedAfterSending);
    (received, in_flight.count())
}

#[tokio::test]
async fn job_run_survives_holders_that_die_at_every_step() {
    let stored = Stored::fresh().await;
    let schedule = every(60);
    let lives: Vec<_> = (0..STEPS).flat_map(|one| (0..STEPS).map(move |two| [one, two])).collect();
    let jobs: Vec<_> = (0..49).map(|number| key(7, number)).collect();
    let states = planned(&stored.store, &jobs, &schedule).await;
    let runs = (0..49)
        .zip(&lives)
        .map(|(job, lives)| live_and_die(&states, job, &schedule, *lives));
    for ((received, in_flight), lives) in join_all(runs).await.into_iter().zip(&lives) {
        assert_eq!(received.len(), 2, "{lives:?}: both batches arrive");
        let repeats: usize = received.values().map(|times| times - 1).sum();
        assert_eq!(
            repeats, in_flight,
            "{lives:?}: only what was in flight is sent again, under its id"
        );
    }
    let logs = super::statuses(&stored.store, 7).await;
    assert_eq!(logs, [(RunStatus::Success, 0); 49]);
}
