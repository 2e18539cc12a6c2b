//! Realistic scripts return what Node 20 returned; `generate.mjs` beside the fixtures generated that.

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
    /// The messages of the two engines differ; the name of the error is the same.
    Error(String),
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scripts")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(fixtures().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
async fn corpus_scripts_return_what_node_returned() {
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

/// The known differences of boa from the language. When this fails, they go from the README.
#[tokio::test]
async fn boa_differs_from_the_language_as_the_readme_says() {
    let rig = Rig::new();
    // A rest beside a nested pattern keeps the key of the pattern.
    let source = "const { a: { b }, ...rest } = { a: { b: 1 }, c: 2 }; return Object.keys(rest)";
    assert_eq!(rig.output(source).await, serde_json::json!(["a", "c"]));
}
