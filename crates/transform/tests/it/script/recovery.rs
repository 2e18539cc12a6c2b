//! The pool recovers from dead workers and killed scripts.

use std::time::Duration;

use futures::future::join_all;
use ig_core::id::OrgId;
use ig_transform::script::{PoolSettings, ScriptFault};
use rustix::process::{Signal, kill_process};
use serde_json::json;

use super::rig::{Rig, kill, settings, stop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_replaces_workers_killed_at_once_and_loses_no_call() {
    let rig = Rig::new();
    rig.output("return 1").await;
    let source = "let x = 0; for (let i = 0; i < 20000; i++) x += i; return { x }";
    for round in 0..5 {
        let payload = json!({});
        let calls = join_all((0..12).map(|org| {
            let (rig, payload) = (rig.of(org), &payload);
            async move { rig.run(source, payload).await }
        }));
        let killer = async {
            tokio::task::yield_now().await;
            for worker in rig.workers() {
                // It may be gone already.
                let _ = kill_process(worker, Signal::KILL);
            }
        };
        let (results, ()) = tokio::join!(calls, killer);
        for result in results {
            match result {
                Ok(_) => {}
                Err(error) => assert_eq!(error.fault, ScriptFault::Unavailable, "round {round}: {error}"),
            }
        }
        assert_eq!(rig.output("return 2").await, json!(2), "round {round}");
    }
    assert_eq!(rig.output(source).await, json!({"x": 199_990_000}), "nobody was blamed");
}

#[tokio::test]
async fn pool_replaces_workers_that_die_while_idle() {
    let rig = Rig::new();
    rig.output("return 1").await;
    for worker in rig.workers() {
        kill(worker).await;
    }
    assert_eq!(rig.output("return 2").await, json!(2));
}

#[tokio::test]
async fn script_killed_three_times_is_disabled_until_its_source_changes_or_it_has_cooled_down() {
    let rig = Rig {
        deadline: Duration::from_millis(50),
        ..Rig::with(PoolSettings {
            cool_down: Duration::from_secs(2),
            ..settings()
        })
    };
    let mut disabled = rig.pool.disabled();
    let endless = "return /^(a+)+$/.test('a'.repeat(60) + 'b')";
    for _ in 0..3 {
        assert_eq!(rig.error(endless).await.fault, ScriptFault::Timeout);
    }
    let error = rig.error(endless).await;
    assert_eq!(
        (error.fault, error.code()),
        (ScriptFault::Disabled, "SCRIPT_DISABLED"),
        "{error}"
    );
    let event = disabled.recv().await.unwrap();
    assert_eq!((event.org, event.stops, event.hash.len()), (OrgId(7), 3, 64));

    assert_eq!(rig.error(&format!("{endless} // changed")).await.fault, ScriptFault::Timeout);
    assert_eq!(
        rig.of(8).error(endless).await.fault,
        ScriptFault::Timeout,
        "another tenant's is another script"
    );
    assert_eq!(rig.output("return 1").await, json!(1));

    tokio::time::sleep(event.cool_down).await;
    assert_eq!(rig.error(endless).await.fault, ScriptFault::Timeout);
}

#[tokio::test]
async fn script_stopped_at_a_limit_is_disabled_like_one_that_is_killed() {
    let rig = Rig::new();
    for endless in ["for (;;) {}", "const f = () => f() + 1; return f()"] {
        for _ in 0..3 {
            assert_eq!(rig.error(endless).await.fault, ScriptFault::Limit, "{endless}");
        }
        assert_eq!(rig.error(endless).await.fault, ScriptFault::Disabled, "{endless}");
    }
}

#[tokio::test]
async fn script_that_fails_by_itself_is_never_disabled() {
    let rig = Rig::new();
    for _ in 0..5 {
        assert_eq!(rig.error("throw new Error('no')").await.fault, ScriptFault::Error);
        let too_large = "const half = 'x'.repeat(6e5); return half + half";
        assert_eq!(rig.error(too_large).await.fault, ScriptFault::Limit);
    }
}

#[tokio::test]
async fn run_goes_on_while_its_worker_is_starved_of_processor_time() {
    let rig = Rig::with(PoolSettings {
        workers: 1,
        ..settings()
    });
    rig.output("return 1").await;
    let worker = rig.workers()[0];
    stop(worker).await;
    let (output, ()) = tokio::join!(rig.output("return 1"), async {
        tokio::time::sleep(rig.deadline + Duration::from_millis(500)).await;
        kill_process(worker, Signal::CONT).unwrap();
    });
    assert_eq!((output, rig.workers()), (json!(1), vec![worker]));
    // A worker that stays starved is given up.
    stop(worker).await;
    assert_eq!(rig.error("return 1").await.fault, ScriptFault::Timeout);
}

#[tokio::test]
async fn dropped_call_leaves_nothing_behind() {
    let rig = Rig::new();
    rig.output("return 1").await;
    let endless = "for (;;) { for (let i = 0; i < 900000; i++); }";
    let payload = json!({});
    let run = rig.run(endless, &payload);
    assert!(tokio::time::timeout(Duration::from_millis(30), run).await.is_err());
    for _ in 0..10 {
        assert_eq!(rig.output("return payload").await, json!({}));
    }
}

#[tokio::test]
async fn pool_of_a_program_that_is_not_a_worker_is_unavailable() {
    let rig = Rig::with(PoolSettings {
        program: "/bin/true".into(),
        acquire_timeout: Duration::from_millis(300),
        ..settings()
    });
    assert_eq!(rig.error("return 1").await.fault, ScriptFault::Unavailable);
}
