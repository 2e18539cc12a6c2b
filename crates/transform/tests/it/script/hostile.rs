//! Hostile scripts. Each is stopped in time with a clear error, or has no effect.

use std::time::{Duration, Instant};

use ig_transform::script::ScriptFault::{self, Error, Limit, Memory, Syntax, Timeout};
use serde_json::{Value, json};

use super::rig::Rig;

mod sources;

use sources::{HARMLESS, STOPPED};

/// How long a slow, busy machine may take beyond a deadline to replace a worker.
const MARGIN: Duration = Duration::from_secs(20);

fn nested_sources() -> Vec<(&'static str, String)> {
    vec![
        (
            "nested parentheses",
            format!("return {}1{}", "(".repeat(500), ")".repeat(500)),
        ),
        (
            "very nested parentheses",
            format!("return {}1{}", "(".repeat(30_000), ")".repeat(30_000)),
        ),
        (
            "nested arrays",
            format!("return {}{}", "[".repeat(20_000), "]".repeat(20_000)),
        ),
        ("nested blocks", format!("{}{}", "{".repeat(20_000), "}".repeat(20_000))),
        (
            "nested functions",
            format!("{}{}", "(function () {".repeat(2000), "})()".repeat(2000)),
        ),
        (
            "nested templates",
            format!("return {}{}", "`${".repeat(10_000), "}`".repeat(10_000)),
        ),
        ("unclosed parentheses", "(".repeat(60_000)),
        ("many operators", format!("return {}1", "!".repeat(60_000))),
        ("a long sum", format!("return {}1", "1+".repeat(30_000))),
        ("many arrows", format!("return {}1", "a=>".repeat(20_000))),
        ("many conditionals", format!("return {}1", "1?1:".repeat(15_000))),
        ("many ifs", format!("{};", "if(1)".repeat(12_000))),
        ("many assignments", format!("let a; {}1", "a=".repeat(30_000))),
        ("many powers", format!("return {}1", "1**".repeat(20_000))),
        (
            "brackets in what looks like a comment",
            format!("return {}1", "('/*',".repeat(10_000)),
        ),
    ]
}

fn rig() -> Rig {
    Rig {
        deadline: Duration::from_millis(400),
        ..Rig::new()
    }
}

#[tokio::test]
async fn hostile_scripts_are_stopped_in_time_and_the_pool_goes_on() {
    let rig = rig();
    let mut wrong = Vec::new();
    for (name, source, faults) in STOPPED {
        let began = Instant::now();
        match rig.run(source, &json!({})).await {
            Err(error) if faults.contains(&error.fault) && !error.message.is_empty() => {}
            other => wrong.push(format!("{name}: {other:?}")),
        }
        let took = began.elapsed();
        if took > rig.deadline + MARGIN {
            wrong.push(format!("{name}: took {took:?}"));
        }
        if served(&rig).await != Ok(json!([1, 2])) {
            wrong.push(format!("{name}: the pool does not serve on"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The result of an innocent tenant afterwards; its deadline is not under test.
async fn served(rig: &Rig) -> Result<Value, String> {
    let innocent = Rig {
        deadline: Duration::from_secs(2),
        ..rig.of(99)
    };
    let outcome = innocent.run("return [1, 2].map((x) => x)", &json!({})).await;
    outcome
        .map(|outcome| super::rig::output(&outcome))
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn hostile_scripts_cannot_change_built_ins() {
    let rig = Rig::new();
    for (name, source, expected) in HARMLESS {
        assert_eq!(rig.output(source).await.to_string(), *expected, "{name}");
    }
}

#[tokio::test]
async fn sources_that_would_overflow_the_compiler_are_refused_and_the_pool_goes_on() {
    let rig = rig();
    for (name, source) in nested_sources() {
        match rig.run(&source, &json!({})).await {
            Err(error) => assert!(matches!(error.fault, Limit | Syntax | Timeout | Error), "{name}: {error}"),
            // Deep, but not too deep for the stack.
            Ok(outcome) => assert!(outcome.duration <= Duration::from_secs(2), "{name}"),
        }
        assert_eq!(served(&rig).await, Ok(json!([1, 2])), "{name}");
    }
}
