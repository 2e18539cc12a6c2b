//! Tasks end as they declared, or the process hears of it.

use std::time::Duration;

use ig_service::{Context, Fate, Stop};
use tokio::sync::oneshot;

use crate::fixture::{PATIENCE, within};

fn context() -> (Context, Stop) {
    let stop = Stop::new();
    (Context::new("service", &stop), stop)
}

#[tokio::test]
async fn a_task_that_should_run_on_and_ends_takes_the_process_down() {
    let (context, stop) = context();
    context.spawn("loop", Fate::RunsUntilShutdown, async {});
    within("the stop", stop.requested()).await;
    assert!(stop.failed());
}

#[tokio::test]
async fn a_task_that_should_run_on_and_panics_takes_the_process_down() {
    let (context, stop) = context();
    context.spawn("loop", Fate::RunsUntilShutdown, async { panic!("on purpose") });
    within("the stop", stop.requested()).await;
    assert!(stop.failed());
}

#[tokio::test]
async fn a_task_that_may_end_and_panics_touches_nobody_else() {
    let (context, stop) = context();
    context.spawn("one", Fate::Finishes, async { panic!("on purpose") });
    context.drain(PATIENCE).await.expect("drained");
    assert!(!stop.is_requested());
}

#[tokio::test]
async fn a_drain_tells_tasks_to_stop_and_waits_for_what_is_in_flight() {
    let (context, stop) = context();
    let (stopping, (sent, received)) = (context.stopping().clone(), oneshot::channel());
    let inner = context.clone();
    context.spawn("intake", Fate::RunsUntilShutdown, async move {
        stopping.cancelled().await;
        inner.clone().spawn("last piece", Fate::Finishes, async move {
            tokio::task::yield_now().await;
            sent.send(inner.readiness().reasons()).expect("awaited");
        });
    });
    context.drain(PATIENCE).await.expect("drained");
    assert_eq!(received.await.expect("the last piece was finished"), ["draining"]);
    assert!(!stop.failed());
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut_off_and_named() {
    let (context, _stop) = context();
    let (held, dropped) = oneshot::channel::<()>();
    context.spawn("stubborn", Fate::Finishes, async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    assert_eq!(context.tasks().running(), ["stubborn"]);
    let cut = context.drain(Duration::from_millis(1)).await.expect_err("it does not end");
    assert_eq!(cut, ["stubborn"]);
    dropped.await.expect_err("its future was dropped");
    assert!(context.tasks().running().is_empty());
}
