//! Tenants whose script had to be stopped run in quarantine.

use std::time::Duration;

use futures::future::join_all;
use ig_transform::script::{PoolSettings, ScriptFault};
use rustix::process::{Pid, Signal, getpriority_process, kill_process};
use serde_json::json;

use super::rig::{Rig, settings, stop, threads};

const ENDLESS: &str = "for (;;) {}";

/// The workers that yield the processor to other processes.
fn yielding(rig: &Rig) -> Vec<Pid> {
    let own = getpriority_process(None).unwrap_or(0);
    let yields = |thread| getpriority_process(Some(thread)).is_ok_and(|nice| nice > own);
    let workers = rig.workers().into_iter();
    workers.filter(|worker| threads(*worker).into_iter().any(yields)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quarantined_tenant_delays_no_other_tenant() {
    let rig = Rig::new();
    assert_eq!(rig.output("return 1").await, json!(1));
    assert_eq!(yielding(&rig), []);
    assert_eq!(rig.error(ENDLESS).await.fault, ScriptFault::Limit);
    assert_eq!(rig.output("return 1").await, json!(1));
    let quarantine = yielding(&rig);
    assert_eq!(quarantine.len(), 1);

    stop(quarantine[0]).await;
    let suspect = rig.output("return 2");
    let others = async {
        for org in 100..110 {
            assert_eq!(rig.of(org).output("return 3").await, json!(3));
        }
        kill_process(quarantine[0], Signal::CONT).unwrap();
    };
    assert_eq!(tokio::join!(suspect, others).0, json!(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quarantine_worker_is_replaced_after_a_kill() {
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
async fn queued_calls_of_a_script_fail_when_it_is_disabled_and_others_go_on() {
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
