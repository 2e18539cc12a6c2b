//! Runs, scripts and tenants are isolated from each other and from the host.

use serde_json::{Value, json};

use super::rig::{Rig, output};

/// What one run tries to leave behind, and how the next run of the script in the same context looks for it.
const PROBES: &[(&str, &str)] = &[
    ("globalThis.leak = 1", "globalThis.leak"),
    ("Object.defineProperty(globalThis, 'leak', { value: 1 })", "globalThis.leak"),
    ("Object.prototype.leak = 1", "({}).leak"),
    ("Array.prototype.leak = 1", "[].leak"),
    ("Function.prototype.leak = 1", "(() => {}).leak"),
    ("String.prototype.leak = 1", "''.leak"),
    ("Promise.prototype.leak = 1", "Promise.resolve().leak"),
    ("Object.getPrototypeOf(async () => {}).leak = 1", "(async () => {}).leak"),
    ("Object.getPrototypeOf(function* () {}).leak = 1", "(function* () {}).leak"),
    (
        "Object.getPrototypeOf((function* () {})()).leak = 1",
        "(function* () {})().leak",
    ),
    (
        "Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).leak = 1",
        "(function* () {})().leak",
    ),
    (
        "Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())).leak = 1",
        "(async function* () {})().leak",
    ),
    ("Object.getPrototypeOf([].values()).leak = 1", "[].values().leak"),
    ("Object.getPrototypeOf(new Map().keys()).leak = 1", "new Map().keys().leak"),
    ("Object.getPrototypeOf(new Set().keys()).leak = 1", "new Set().keys().leak"),
    ("Object.getPrototypeOf(''.matchAll(/x/g)).leak = 1", "''.matchAll(/x/g).leak"),
    (
        "Object.getPrototypeOf(Iterator.from({ next() {} })).leak = 1",
        "Iterator.from({ next() {} }).leak",
    ),
    (
        "Object.getPrototypeOf([].values().map((x) => x)).leak = 1",
        "[].values().map((x) => x).leak",
    ),
    ("Object.getPrototypeOf(Int8Array).leak = 1", "Uint8Array.leak"),
    (
        "Object.getPrototypeOf(Int8Array.prototype).leak = 1",
        "new Uint8Array(1).leak",
    ),
    (
        "Math.leak = 1; Math.max = () => 'leak'",
        "Math.leak ?? (Math.max(0, 1) === 'leak' || undefined)",
    ),
    ("JSON.parse = () => 'leak'", "JSON.parse('0') || undefined"),
    ("console.leak = 1", "console.leak"),
    ("lookup.leak = 1; get.prototype = 1", "lookup.leak ?? get.prototype"),
    (
        "Error.leak = 1; Error.stackTraceLimit = 0; Error.prepareStackTrace = () => 'leak'",
        "Error.leak ?? Error.prepareStackTrace ?? Error.stackTraceLimit",
    ),
    ("Symbol.leak = 1", "Symbol.leak"),
    (
        "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').get.leak = 1",
        "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').get.leak",
    ),
    (
        "Object.prototype.toString = () => 'leak'",
        "(String({}) === 'leak') || undefined",
    ),
    ("Error.prototype.message = 'leak'", "new Error().message || undefined"),
    ("/leak/.exec('leak')", "RegExp.$1 || RegExp.lastMatch || undefined"),
    ("site.leak = 1", "site.leak"),
    ("site`a`.leak = 1", "site`a`.leak"),
    ("pattern.lastIndex = 3; pattern.leak = 1", "pattern.lastIndex || pattern.leak"),
    (
        "Kept.value = 'leak'; Kept.prototype.leak = 1",
        "Kept.value ?? new Kept().leak",
    ),
    ("payload.leak = 1; context.leak = 1", "payload.leak ?? context.leak"),
    (
        "Promise.resolve().then(() => { globalThis.leak = 1 }); throw 1",
        "globalThis.leak",
    ),
    (
        "(async () => { for (;;) { await null; later.leak = 1; } })(); throw 1",
        "later.leak",
    ),
    (
        "Object.preventExtensions(payload); Object.freeze(Object.getPrototypeOf(payload))",
        "Object.isFrozen(payload) || undefined",
    ),
    ("Reflect.setPrototypeOf(Math, { leak: 1 })", "Math.leak"),
    (
        "Reflect.set(Array, 'from', () => 'leak')",
        "Array.from([]) === 'leak' || undefined",
    ),
];

fn probe(leave: &str, look: &str) -> String {
    format!(
        "function site(strings) {{ return strings ?? site; }}
        const pattern = /x/g; class Kept {{}} const later = {{}};
        if (payload.leave) {{ try {{ {leave} }} catch {{}} return 'left'; }}
        return {{ seen: {look} }}"
    )
}

#[tokio::test]
async fn runs_see_nothing_of_earlier_runs() {
    let rig = Rig::new();
    for (leave, look) in PROBES {
        let source = probe(leave, look);
        // An endless job meets a limit; only what the next run sees matters.
        let _ = rig.run(&source, &json!({"leave": true})).await;
        let seen = rig
            .run(&source, &json!({}))
            .await
            .unwrap_or_else(|error| panic!("{leave}: {error}"));
        assert_eq!(output(&seen), json!({}), "{leave}");
    }
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let rig = Rig::new();
    for (leave, look) in PROBES.iter().filter(|(leave, _)| !leave.contains("for (;;)")) {
        let source = probe(leave, look);
        let _ = rig.of(1).run(&source, &json!({"leave": true})).await;
        let seen = rig
            .of(2)
            .run(&source, &json!({}))
            .await
            .unwrap_or_else(|error| panic!("{leave}: {error}"));
        assert_eq!(output(&seen), json!({}), "{leave}");
    }
}

#[tokio::test]
async fn every_object_that_a_script_can_reach_is_frozen() {
    let rig = Rig::new();
    let source = "
        const seen = new Set(), loose = [];
        const visit = (value, path) => {
            if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return;
            if (seen.has(value)) return;
            seen.add(value);
            if (!Object.isFrozen(value)) loose.push(path);
            visit(Object.getPrototypeOf(value), path + '.__proto__');
            for (const key of Reflect.ownKeys(value)) {
                const { get, set, value: inner } = Object.getOwnPropertyDescriptor(value, key);
                const at = `${path}.${String(key)}`;
                visit(get, at + '(get)'); visit(set, at + '(set)'); visit(inner, at);
            }
        };
        visit(globalThis, 'globalThis');
        return { loose, many: seen.size > 500 }";
    assert_eq!(rig.output(source).await, json!({"loose": [], "many": true}));
}

#[tokio::test]
async fn globals_are_the_language_and_the_helpers() {
    let rig = Rig::new();
    let globals = rig
        .output("return Object.getOwnPropertyNames(globalThis).filter((name) => /^[a-z]/.test(name)).sort()")
        .await;
    let expected: Vec<Value> = [
        "addDays",
        "addHours",
        "addMinutes",
        "console",
        "datetime",
        "decodeURI",
        "decodeURIComponent",
        "encodeURI",
        "encodeURIComponent",
        "epoch",
        "escape",
        "eval",
        "formatDate",
        "formatPhone",
        "get",
        "globalThis",
        "isFinite",
        "isNaN",
        "lookup",
        "lowercase",
        "parseDate",
        "parseFloat",
        "parseInt",
        "trim",
        "undefined",
        "unescape",
        "uppercase",
    ]
    .map(Value::from)
    .into();
    assert_eq!(globals, Value::Array(expected));
    let source = "return ['process', 'require', 'module', 'fetch', 'XMLHttpRequest', 'WebSocket', 'setTimeout', 'setInterval', 'queueMicrotask',
        'Deno', 'Bun', 'performance', 'WebAssembly', 'ShadowRealm', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'Temporal', '$boa']
        .filter((name) => name in globalThis)";
    assert_eq!(rig.output(source).await, json!([]));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn workers_are_confined() {
    let rig = Rig::new();
    rig.output("return 1").await;
    for worker in rig.pool.workers() {
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{line} is not in\n{status}");
        }
        let limits = std::fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
        for (limit, most) in [
            ("Max address space", "536870912"),
            ("Max open files", "0"),
            ("Max processes", "0"),
            ("Max file size", "0"),
            ("Max core file size", "0"),
        ] {
            let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
            let words: Vec<_> = line[limit.len()..].split_whitespace().collect();
            assert_eq!(words[..2], [most, most], "{line}");
        }
    }
}
