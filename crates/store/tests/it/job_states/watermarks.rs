//! Watermarks: moved with the end of a successful run, and by people.

use ig_core::job::{RunError, RunStage, Watermark, WatermarkValue};
use ig_store::{FinishOutcome, JobStates, ResetOutcome};
use serde_json::{Value, json};

use super::{begun, claim, every, key, planned, state};
use crate::stored::{Stored, moment};

fn at(field: &str, value: &Value) -> Watermark {
    Watermark {
        field: field.to_owned(),
        value: WatermarkValue::try_from(value).unwrap(),
    }
}

async fn watermark(states: &JobStates) -> Option<Watermark> {
    state(states, key(7, 1)).await.watermark
}

/// Runs the job at a second, up to a watermark.
async fn run(states: &JobStates, second: i64, fails: bool, reached: Option<&Watermark>) -> FinishOutcome {
    let hold = claim("a", moment(second));
    let mut run = begun(states, key(7, 1), &every(10), hold).await;
    if fails {
        run.fail(RunError::new(RunStage::Delivery, "It answered 500.", None), moment(second));
    } else {
        run.succeed(moment(second));
    }
    states.finish(&run, reached, hold).await.unwrap()
}

#[tokio::test]
async fn job_watermark_moves_with_successful_runs_and_never_back() {
    let stored = Stored::fresh().await;
    let states = planned(&stored.store, &[key(7, 1)], &every(10)).await;
    let number = |text: &str| at("id", &serde_json::from_str(text).unwrap());
    let far = number("90071992547409931.50");
    assert_eq!(
        run(&states, 10, false, Some(&far)).await,
        FinishOutcome::Stored(Some(far.clone()))
    );
    assert_eq!(watermark(&states).await, Some(far.clone()), "with every digit");
    let farther = number("90071992547409932");
    assert_eq!(
        run(&states, 20, true, Some(&farther)).await,
        FinishOutcome::Stored(Some(far.clone()))
    );
    assert_eq!(watermark(&states).await, Some(far.clone()), "nothing was delivered");
    for reached in [Some(number("8")), Some(at("id", &json!("9"))), None] {
        let second = state(&states, key(7, 1)).await.next_run.unwrap() - moment(0);
        let stored = run(&states, second.num_seconds(), false, reached.as_ref()).await;
        assert_eq!(stored, FinishOutcome::Stored(Some(far.clone())), "{reached:?}");
    }
    assert_eq!(
        run(&states, 90, false, Some(&farther)).await,
        FinishOutcome::Stored(Some(farther))
    );
    let other_field = at("updatedAt", &json!("2026-01-01T00:00:00Z"));
    assert_eq!(
        run(&states, 100, false, Some(&other_field)).await,
        FinishOutcome::Stored(Some(other_field))
    );
}

#[tokio::test]
async fn job_watermark_set_by_a_person_outlasts_the_run_that_is_under_way() {
    let stored = Stored::fresh().await;
    let states = planned(&stored.store, &[key(7, 1)], &every(10)).await;
    let (low, high) = (at("id", &json!(3)), at("id", &json!(30)));
    run(&states, 10, false, Some(&high)).await;
    assert_eq!(
        states.reset_watermark(key(8, 1), Some(&low)).await,
        Ok(ResetOutcome::NotFound)
    );
    assert_eq!(states.reset_watermark(key(7, 1), Some(&low)).await, Ok(ResetOutcome::Done));
    assert_eq!(watermark(&states).await, Some(low.clone()), "a person may move it back");
    run(&states, 20, false, Some(&high)).await;

    let hold = claim("a", moment(30));
    let mut under_way = begun(&states, key(7, 1), &every(10), hold).await;
    assert_eq!(states.reset_watermark(key(7, 1), Some(&low)).await, Ok(ResetOutcome::Done));
    under_way.succeed(moment(31));
    let finished = states.finish(&under_way, Some(&at("id", &json!(40))), hold).await;
    assert_eq!(finished, Ok(FinishOutcome::Stored(Some(low))));
    assert_eq!(states.reset_watermark(key(7, 1), None).await, Ok(ResetOutcome::Done));
    assert_eq!(watermark(&states).await, None);
    assert_eq!(run(&states, 40, false, Some(&high)).await, FinishOutcome::Stored(Some(high)));
}

#[tokio::test]
async fn job_watermark_and_run_survive_an_edit_of_the_schedule() {
    let stored = Stored::fresh().await;
    let states = planned(&stored.store, &[key(7, 1)], &every(10)).await;
    let reached = at("id", &json!(3));
    run(&states, 10, false, Some(&reached)).await;
    let under_way = begun(&states, key(7, 1), &every(10), claim("a", moment(20))).await;
    let faster = every(5);
    let edited = [ig_core::job::Timetable {
        revision: 2,
        ..super::timetable(key(7, 1), &faster)
    }];
    states.ensure(&edited, moment(21)).await.unwrap();
    let after = state(&states, key(7, 1)).await;
    assert_eq!(after.next_run, Some(moment(25)), "five seconds after the last run");
    assert_eq!((after.watermark, after.running.unwrap().run), (Some(reached), under_way.id));
}
