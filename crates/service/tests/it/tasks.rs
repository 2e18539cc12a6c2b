//! Tasks end as declared, or the process stops.

use std::time::Duration;

use ig_service::{Context, Stop, TaskKind};
use tokio::sync::oneshot;

use crate::fixture::{PATIENCE, within};

fn context() -> (Context, Stop) {
    let stop = Stop::new();
    (Context::new("service", &stop), stop)
}

#[tokio::test]
async fn task_that_ends_before_the_shutdown_stops_the_process() {
    let (context, stop) = context();
    context.spawn("loop", TaskKind::RunsUntilShutdown, async {});
    within("the stop", stop.requested()).await;
    assert!(stop.failed());
}

#[tokio::test]
async fn task_that_panics_before_the_shutdown_stops_the_process() {
    let (context, stop) = context();
    context.spawn("loop", TaskKind::RunsUntilShutdown, async { panic!("on purpose") });
    within("the stop", stop.requested()).await;
    assert!(stop.failed());
}

#[tokio::test]
async fn one_shot_task_that_panics_affects_no_other() {
    let (context, stop) = context();
    context.spawn("one", TaskKind::OneShot, async { panic!("on purpose") });
    context.drain(PATIENCE).await.expect("drained");
    assert!(!stop.is_requested());
}

#[tokio::test]
async fn drain_stops_tasks_and_waits_for_work_in_flight() {
    let (context, stop) = context();
    let (stopping, (sent, received)) = (context.stopping().clone(), oneshot::channel());
    let inner = context.clone();
    context.spawn("intake", TaskKind::RunsUntilShutdown, async move {
        stopping.cancelled().await;
        inner.clone().spawn("last piece", TaskKind::OneShot, async move {
            tokio::task::yield_now().await;
            sent.send(inner.readiness().reasons()).expect("awaited");
        });
    });
    context.drain(PATIENCE).await.expect("drained");
    assert_eq!(received.await.expect("the last piece was finished"), ["draining"]);
    assert!(!stop.failed());
}

#[tokio::test]
async fn drain_aborts_and_names_tasks_that_outlast_the_grace() {
    let (context, _stop) = context();
    let (held, dropped) = oneshot::channel::<()>();
    context.spawn("stubborn", TaskKind::OneShot, async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    assert_eq!(context.tasks().running(), ["stubborn"]);
    let cut = context.drain(Duration::from_millis(1)).await.expect_err("it does not end");
    assert_eq!(cut, ["stubborn"]);
    dropped.await.expect_err("its future was dropped");
    assert!(context.tasks().running().is_empty());
}
