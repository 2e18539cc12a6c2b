//! Realistic scripts give what Node 20 gave for them; `generate.mjs` beside the fixtures says how that was found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ig_transform::script::{Script, ScriptKind, ScriptValue};
use serde::Deserialize;
use serde_json::Value;

use super::rig::{Rig, Tables};

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Expected {
    Output(String),
    Skipped(bool),
    /// Of errors the engine's own words differ; their name is the same.
    Error(String),
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scripts")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(fixtures().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
async fn realistic_scripts_give_what_node_gave() {
    let rig = Rig::new();
    let expected: BTreeMap<String, BTreeMap<String, Expected>> = serde_json::from_str(&read("expected.json")).unwrap();
    assert!(expected.len() >= 30);
    let mut differing = Vec::new();
    for (name, payloads) in &expected {
        let script = Script::new(read(&format!("cases/{name}.js")), ScriptKind::Transform);
        for (payload, expected) in payloads {
            let value: Value = serde_json::from_str(&read(&format!("payloads/{payload}.json"))).unwrap();
            let given = match rig.run_script(&script, &value, &Tables).await {
                Ok(outcome) => match outcome.value {
                    ScriptValue::Output(json) => Expected::Output(String::from_utf8(json.to_vec()).unwrap()),
                    ScriptValue::Skipped => Expected::Skipped(true),
                    ScriptValue::Bool(_) => unreachable!("no case is a condition"),
                },
                Err(error) => Expected::Error(error.message),
            };
            if !agree(&given, expected) {
                differing.push(format!(
                    "{name} with {payload}:\n  Node gave {expected:?}\n  we gave   {given:?}"
                ));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn agree(given: &Expected, expected: &Expected) -> bool {
    match (given, expected) {
        (Expected::Error(given), Expected::Error(expected)) => given.split(':').next() == expected.split(':').next(),
        _ => given == expected,
    }
}

/// Where boa is known to differ from the language. This fails when it no longer does, and the README can forget it.
#[tokio::test]
async fn known_differences() {
    let rig = Rig::new();
    // A rest beside a nested pattern keeps the key of the pattern.
    let source = "const { a: { b }, ...rest } = { a: { b: 1 }, c: 2 }; return Object.keys(rest)";
    assert_eq!(rig.output(source).await, serde_json::json!(["a", "c"]));
}
