//! Trials and checks of a tenant take nothing from its live scripts.

use futures::future::join_all;
use ig_core::id::OrgId;
use ig_transform::script::{PoolSettings, ScriptEngine as _, ScriptFault, ScriptKind};
use parking_lot::Mutex;
use serde_json::json;

use super::rig::{Rig, settings};

const SOMETIMES_ENDLESS: &str = "if (payload.endless) for (;;) {} return 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn script_disabled_on_trial_still_runs_live() {
    let rig = Rig::new();
    let (trial, endless) = (rig.on_trial(), json!({"endless": true}));
    let mut disabled = rig.pool.disabled();
    for _ in 0..3 {
        let stopped = trial.run(SOMETIMES_ENDLESS, &endless).await.unwrap_err();
        assert_eq!(stopped.fault, ScriptFault::Limit);
    }
    let refused = trial.run(SOMETIMES_ENDLESS, &json!({})).await.unwrap_err();
    assert_eq!(refused.fault, ScriptFault::Disabled);
    assert!(refused.disabled_for.is_some_and(|left| !left.is_zero()), "{refused:?}");
    assert_eq!(rig.output(SOMETIMES_ENDLESS).await, json!(1));
    assert!(disabled.try_recv().is_err(), "nobody is alarmed by what is only tried out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_tenants_are_served_in_rotation() {
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
    // In one task: the many are queued before the one.
    tokio::join!(join_all((0..40).map(|_| check(1))), check(2));
    let index = order.lock().iter().position(|org| *org == 2).unwrap();
    assert!(index < 5, "{index}");
}
