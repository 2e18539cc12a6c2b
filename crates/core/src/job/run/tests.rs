use chrono::{DateTime, TimeDelta};

use super::*;
use crate::id::{IntegrationId, OrgId};

fn now() -> Timestamp {
    DateTime::from_timestamp(1_770_000_000, 0).unwrap()
}

fn subject() -> RunSubject {
    RunSubject {
        key: JobKey {
            org_id: OrgId(7),
            id: IntegrationId([1; 12]),
        },
        tenant_id: Rid(70),
        name: "Daily export".to_owned(),
    }
}

fn firing(missed: u32) -> DueFiring {
    DueFiring {
        due_at: now(),
        missed,
        next_run: None,
    }
}

fn running(progress: RunProgress, holders: u32) -> RunningRun {
    RunningRun {
        run: RunId::scheduled(subject().key.id, now()),
        started_at: now(),
        claim: "claim".to_owned(),
        held_since: now(),
        until: now() + TimeDelta::seconds(30),
        holders,
        progress,
        cancel: None,
    }
}

#[test]
fn run_that_was_lost_before_delivery_restarts_and_one_in_delivery_continues() {
    assert_eq!(running(RunProgress::DataFetch, 2).resumption(), Resumption::Restart);
    assert_eq!(running(RunProgress::Transformation, 2).resumption(), Resumption::Restart);
    let digest = PayloadDigest::of(["a", "b", "c"]);
    let delivering = RunProgress::Delivery {
        batches: 3,
        delivered: 1,
        digest,
    };
    let from_batch = 1;
    assert_eq!(
        running(delivering, 2).resumption(),
        Resumption::Continue { from_batch, digest }
    );
}

#[test]
fn run_that_was_lost_too_often_fails_at_its_stage() {
    let Resumption::Fail(error) = running(RunProgress::Transformation, MAX_HOLDERS + 1).resumption() else {
        panic!("it ends its processes");
    };
    assert_eq!(
        (error.stage, error.message.contains("lost 3 times")),
        (RunStage::Transformation, true)
    );
    assert_eq!(
        running(RunProgress::Transformation, MAX_HOLDERS).resumption(),
        Resumption::Restart
    );
}

#[test]
fn run_whose_cancellation_was_requested_is_not_resumed() {
    let request = CancelRequest {
        by: "Ada".to_owned(),
        at: now(),
    };
    let lost = RunningRun {
        cancel: Some(request.clone()),
        ..running(RunProgress::DataFetch, 9)
    };
    assert_eq!(lost.resumption(), Resumption::Cancel(request));
}

#[test]
fn payload_digest_tells_batches_apart_by_content_and_border() {
    assert_eq!(PayloadDigest::of(["ab", "c"]), PayloadDigest::of(["ab", "c"]));
    assert_ne!(PayloadDigest::of(["ab", "c"]), PayloadDigest::of(["a", "bc"]));
    assert_ne!(PayloadDigest::of(["ab"]), PayloadDigest::of(["ab", ""]));
}

#[test]
fn run_skips_of_one_run_share_a_log_and_those_that_are_too_late_do_not() {
    let run = RunId::scheduled(subject().key.id, now());
    let during = |missed, later: i64| {
        let firing = DueFiring {
            due_at: now() + TimeDelta::seconds(later),
            ..firing(missed)
        };
        JobRun::skipped(subject(), &firing, SkipReason::StillRunning(run), now(), now())
    };
    assert_eq!(during(0, 60).id, during(3, 120).id);
    assert_eq!(during(3, 120).skip.unwrap().firings, 4);
    assert_ne!(during(0, 60).id, run);
    let late = JobRun::skipped(subject(), &firing(0), SkipReason::TooLate("Late.".to_owned()), now(), now());
    assert_eq!((late.id, late.status), (run, RunStatus::Skipped));
}

#[test]
fn run_restarted_forgets_all_but_its_identity() {
    let begun = JobRun::scheduled(subject(), &firing(2), now(), now());
    let mut tried = begun.clone();
    tried.stages.record(RunStage::DataFetch, StageResult::Success);
    tried.counts.records_fetched = 10;
    tried.data_fetched = Some(Excerpt::of(b"[]"));
    assert_eq!(tried.restarted(), begun);
}

#[test]
fn run_that_failed_names_its_stage() {
    let mut run = JobRun::manual(subject(), "Ada", "key", now(), now());
    assert!(!run.status.has_ended());
    let error = RunError::new(RunStage::Transformation, &"é".repeat(4_000), Some("at line 1"));
    assert_eq!(error.message.len(), MAX_MESSAGE_BYTES);
    run.fail(error, now() + TimeDelta::seconds(1));
    assert!(run.status.has_ended());
    assert_eq!(run.stages.transformation, Some(StageResult::Failed));
    assert_eq!(run.completed_at, Some(now() + TimeDelta::seconds(1)));
}

#[test]
fn run_log_is_bounded_whatever_is_recorded() {
    let huge = "x".repeat(1_000_000);
    let headers: HeaderLines = [("a", &huge)].into_iter().collect();
    let url: TargetUrl = "https://a.example/".parse().unwrap();
    let request = RunRequest::new(HttpMethod::Post, url, &headers, Some(huge.as_bytes()), Some(&huge));
    let response = RunResponse::new(500, &headers, Some(huge.as_bytes()));
    let texts = [
        request.headers.as_str().len(),
        request.body.unwrap().as_str().len(),
        request.curl.unwrap().as_str().len(),
        response.headers.as_str().len(),
        response.body.unwrap().as_str().len(),
    ];
    assert!(texts.iter().sum::<usize>() < 300_000, "{texts:?}");
    let manual = JobRun::manual(subject(), &huge, &huge, now(), now());
    assert!(matches!(manual.trigger, RunTrigger::Manual { by } if by.len() == MAX_PERSON_BYTES));
}
