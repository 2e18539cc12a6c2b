//! Tenants do not affect each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use ig_transform::script::{PoolSettings, Script, ScriptKind, ScriptPool};
use serde_json::json;

use super::rig::{Rig, settings};

const HOSTILE: [&str; 5] = [
    "for (;;) { for (let i = 0; i < 1e5; i++); }",
    "return /^(a+)+$/.test('a'.repeat(60) + 'b')",
    "await null; let s = 'abcdefgh'; for (let i = 0; i < 40; i++) s += s; return s",
    "return Array(2 ** 32 - 1).fill(0)",
    "const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(60)",
];

/// Ten loops of hostile calls by five tenants; the breaker never trips.
async fn hostile(rig: &Rig, stop: &AtomicBool) {
    let loops = (0..10_usize).map(async |number| {
        let rig = Rig {
            deadline: Duration::from_millis(250),
            ..rig.of(i64::try_from(number / 2).unwrap() + 1)
        };
        while !stop.load(Ordering::Relaxed) {
            let _ = rig.run(HOSTILE[number % HOSTILE.len()], &json!({})).await;
        }
    });
    join_all(loops).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenant_is_served_while_ten_hostile_scripts_run_in_a_loop() {
    let rig = Rig::with(PoolSettings {
        stops: usize::MAX,
        ..settings()
    });
    let stop = AtomicBool::new(false);
    let innocent = async {
        let rig = rig.of(100);
        for number in 0..60 {
            let outcome = rig.run("return { n: payload.n + 1 }", &json!({"n": number})).await;
            let outcome = outcome.unwrap_or_else(|error| panic!("call {number}: {error}"));
            assert_eq!(super::rig::output(&outcome), json!({"n": number + 1}));
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(innocent, hostile(&rig, &stop));
}

#[tokio::test]
async fn warmed_script_runs_and_an_evicted_one_is_loaded_again() {
    let rig = Rig::with(PoolSettings {
        workers: 1,
        ..settings()
    });
    let script = |number: usize| Script::new(format!("return {{ number: {number} }}"), ScriptKind::Transform);
    for number in 0..60 {
        rig.pool.warm(rig.org, &script(number)).await.unwrap();
    }
    for number in [0, 59, 0] {
        let outcome = rig
            .run_script(&script(number), &json!({}), &super::rig::Tables)
            .await
            .unwrap();
        assert_eq!(super::rig::output(&outcome), json!({"number": number}));
    }
    assert!(
        rig.pool
            .warm(rig.org, &Script::new("return (", ScriptKind::Transform))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn contexts_that_are_used_up_are_replaced_without_failed_runs() {
    let rig = Rig::with(PoolSettings {
        workers: 1,
        ..settings()
    });
    let before = rig.pool.workers();
    for number in 0..5_100 {
        let outcome = rig.run("return payload.n", &json!({"n": number})).await.unwrap();
        assert_eq!(super::rig::output(&outcome), json!(number));
    }
    let grown =
        "const a = []; const s = 'x'.repeat(1e4); for (let i = 0; i < 40; i++) a.push(s.repeat(100) + i); return a.length";
    for _ in 0..20 {
        assert_eq!(rig.output(grown).await, json!(40));
    }
    assert!(!before.is_empty() || rig.pool.state().alive == 1);
}

#[tokio::test]
async fn pool_that_is_dropped_ends_its_workers() {
    let pool = ScriptPool::start(settings()).unwrap();
    while pool.state().alive < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let workers = pool.workers();
    drop(pool);
    while workers.iter().any(|id| std::path::Path::new(&format!("/proc/{id}")).exists()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
