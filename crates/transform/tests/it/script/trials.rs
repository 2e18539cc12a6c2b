//! What a tenant tries out, and has checked, is paid by that tenant, and not by what it lives on.

use futures::future::join_all;
use ig_core::id::OrgId;
use ig_transform::script::{PoolSettings, ScriptEngine as _, ScriptFault, ScriptKind};
use parking_lot::Mutex;
use serde_json::json;

use super::rig::{Rig, settings};

const NOW_AND_THEN: &str = "if (payload.endless) for (;;) {} return 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_is_disabled_for_who_tries_it_out_is_run_where_it_is_needed() {
    let rig = Rig::new();
    let (trial, endless) = (rig.on_trial(), json!({"endless": true}));
    let mut disabled = rig.pool.disabled();
    for _ in 0..3 {
        let stopped = trial.run(NOW_AND_THEN, &endless).await.unwrap_err();
        assert_eq!(stopped.fault, ScriptFault::Limit);
    }
    let refused = trial.run(NOW_AND_THEN, &json!({})).await.unwrap_err();
    assert_eq!(refused.fault, ScriptFault::Disabled);
    assert!(refused.disabled_for.is_some_and(|left| !left.is_zero()), "{refused:?}");
    assert_eq!(rig.output(NOW_AND_THEN).await, json!(1));
    assert!(disabled.try_recv().is_err(), "nobody is alarmed by what is only tried out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenants_checks_take_turns_with_those_of_others() {
    let rig = Rig::with(PoolSettings {
        workers: 1,
        ..settings()
    });
    rig.output("return 1").await;
    let order = Mutex::new(Vec::new());
    let check = async |org: i64| {
        let checked = rig.pool.check(OrgId(org), "return 1", ScriptKind::Transform).await;
        assert_eq!(checked, Ok(()));
        order.lock().push(org);
    };
    // In one task: the many wait in line before the one comes.
    tokio::join!(join_all((0..40).map(|_| check(1))), check(2));
    let place = order.lock().iter().position(|org| *org == 2).unwrap();
    assert!(place < 5, "{place}");
}
