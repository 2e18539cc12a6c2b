//! Tenants of whose scripts one had to be stopped run apart from the others.

use std::time::Duration;

use futures::future::join_all;
use ig_transform::script::{PoolSettings, ScriptFault};
use rustix::process::{Pid, Signal, getpriority_process, kill_process};
use serde_json::json;

use super::rig::{Rig, settings, stop, threads};

const ENDLESS: &str = "for (;;) {}";

/// The workers that yield the processor to others.
fn yielding(rig: &Rig) -> Vec<Pid> {
    let ours = getpriority_process(None).unwrap_or(0);
    let yields = |thread| getpriority_process(Some(thread)).is_ok_and(|nice| nice > ours);
    let workers = rig.workers().into_iter();
    workers.filter(|worker| threads(*worker).into_iter().any(yields)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_script_was_stopped_runs_apart_and_nobody_waits_for_it() {
    let rig = Rig::new();
    assert_eq!(rig.output("return 1").await, json!(1));
    assert_eq!(yielding(&rig), []);
    assert_eq!(rig.error(ENDLESS).await.fault, ScriptFault::Limit);
    assert_eq!(rig.output("return 1").await, json!(1));
    let apart = yielding(&rig);
    assert_eq!(apart.len(), 1);

    stop(apart[0]).await;
    let suspect = rig.output("return 2");
    let others = async {
        for org in 100..110 {
            assert_eq!(rig.of(org).output("return 3").await, json!(3));
        }
        kill_process(apart[0], Signal::CONT).unwrap();
    };
    assert_eq!(tokio::join!(suspect, others).0, json!(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_apart_is_replaced_when_it_is_killed() {
    let rig = Rig {
        deadline: Duration::from_millis(100),
        ..Rig::with(PoolSettings {
            stops: usize::MAX,
            ..settings()
        })
    };
    for _ in 0..3 {
        let endless = rig.error("return /^(a+)+$/.test('a'.repeat(60) + 'b')").await;
        assert_eq!(endless.fault, ScriptFault::Timeout);
    }
    let rig = Rig {
        deadline: Duration::from_secs(2),
        ..rig
    };
    assert_eq!(rig.output("return 1").await, json!(1));
    assert_eq!(yielding(&rig).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_for_a_script_are_answered_when_it_is_disabled_and_others_go_on() {
    let rig = Rig::with(PoolSettings {
        workers: 1,
        stops: 1,
        ..settings()
    });
    rig.output("return 1").await;
    let payload = json!({});
    let endless = join_all((0..20).map(|_| rig.run(ENDLESS, &payload)));
    let innocent = join_all((0..5).map(|_| rig.run("return 2", &payload)));
    let (endless, innocent) = tokio::join!(endless, innocent);
    let mut faults: Vec<_> = endless.into_iter().map(|end| end.unwrap_err().fault).collect();
    assert_eq!(faults.remove(0), ScriptFault::Limit);
    assert_eq!(faults, [ScriptFault::Disabled; 19]);
    assert!(innocent.iter().all(Result::is_ok), "{innocent:?}");
}
