//! Lookups of scripts.

use std::time::Duration;

use async_trait::async_trait;
use ig_transform::script::{Script, ScriptFault, ScriptKind, ScriptLookups};
use serde_json::{Value, json};

use super::rig::{Rig, output};

struct Unavailable;

#[async_trait]
impl ScriptLookups for Unavailable {
    async fn lookup(&self, _: &str, _: &str) -> Result<Option<Value>, String> {
        Err("the database is away".to_owned())
    }
}

struct Hanging;

#[async_trait]
impl ScriptLookups for Hanging {
    async fn lookup(&self, _: &str, _: &str) -> Result<Option<Value>, String> {
        std::future::pending().await
    }
}

fn script(source: &str) -> Script {
    Script::new(source, ScriptKind::Transform)
}

#[tokio::test]
async fn lookup_returns_the_value_of_the_table() {
    let rig = Rig::new();
    let source = "return [lookup('gender', 'M'), await lookup('lab', 'GLU'), lookup('gender', 'X'), lookup('gender', 'X', 'unknown'), lookup('gender', null, 5)]";
    let expected = json!(["male", {"loinc": "2345-7", "name": "Glucose"}, null, "unknown", 5]);
    assert_eq!(rig.output(source).await, expected);
}

#[tokio::test]
async fn failed_lookup_ends_the_run_as_unavailable() {
    let rig = Rig::new();
    let script = script("try { lookup('a', 'b') } catch { return { caught: true } } finally { console.log('x') } return {}");
    let error = rig.run_script(&script, &json!({}), &Unavailable).await.unwrap_err();
    assert_eq!(error.fault, ScriptFault::Unavailable, "{error}");
    assert!(error.retryable() && error.message.contains("the database is away"), "{error}");
}

#[tokio::test]
async fn lookup_timeout_costs_no_worker_and_is_no_strike() {
    let rig = Rig {
        deadline: Duration::from_millis(200),
        ..Rig::new()
    };
    let script = script("return { a: lookup('a', payload.b) }");
    for _ in 0..4 {
        let error = rig.run_script(&script, &json!({"b": "c"}), &Hanging).await.unwrap_err();
        assert_eq!(error.fault, ScriptFault::Unavailable, "{error}");
    }
    let outcome = rig
        .run_script(&script, &json!({"b": "c"}), &super::rig::Tables)
        .await
        .unwrap();
    assert_eq!(output(&outcome), json!({"a": null}));
}

#[tokio::test]
async fn lookups_of_a_run_are_limited() {
    let rig = Rig::new();
    let error = rig
        .error("for (let i = 0; i < 5000; i++) { try { lookup('a', i) } catch {} } return {}")
        .await;
    assert!(matches!(error.fault, ScriptFault::Limit | ScriptFault::Timeout), "{error}");
}
