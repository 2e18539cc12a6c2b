//! The language and the helpers of scripts.

use ig_transform::script::{ConsoleLevel, Position, ScriptEngine as _, ScriptFault, ScriptKind, ScriptValue};
use serde_json::{Value, json};

use super::rig::{Rig, output};

#[tokio::test]
async fn script_returns_keys_in_the_order_they_were_written() {
    let rig = Rig::new();
    let outcome = rig
        .run(
            "return { z: payload.a, a: context }",
            &json!({"a": [1, "é", null, 2.5, 1e20]}),
        )
        .await
        .unwrap();
    let ScriptValue::Output(text) = &outcome.value else {
        panic!("{outcome:?}")
    };
    let expected = r#"{"z":[1,"é",null,2.5,1e+20],"a":{"eventType":"patient-updated","orgId":7,"tenantId":12,"integrationId":"65f0c0ffee0000000000abcd","now":"2024-03-10T12:30:00.000Z"}}"#;
    assert_eq!(std::str::from_utf8(text).unwrap(), expected);
}

#[tokio::test]
async fn script_that_returns_null_skips_and_one_that_returns_nothing_fails() {
    let rig = Rig::new();
    assert_eq!(rig.run("return null", &json!({})).await.unwrap().value, ScriptValue::Skipped);
    let error = rig.error("payload.a = 1").await;
    assert_eq!(error.fault, ScriptFault::Error);
    assert!(error.message.contains("return the payload, or null"), "{error}");
    let error = rig.error("return () => 1").await;
    assert!(error.message.contains("no form"), "{error}");
}

#[tokio::test]
async fn scripts_may_use_await_and_promises() {
    let rig = Rig::new();
    let table = [
        ("const x = await Promise.resolve(2); return { x }", json!({"x": 2})),
        ("return Promise.all([1, Promise.resolve(2)])", json!([1, 2])),
        (
            "let x = 1; Promise.resolve().then(() => { payload.late = x }); return payload",
            json!({"late": 1}),
        ),
        (
            "for await (const x of (async function* () { yield 1; yield 2; })()) payload[x] = x; return payload",
            json!({"1": 1, "2": 2}),
        ),
        (
            "try { await Promise.reject(new Error('no')) } catch (e) { return { message: e.message } }",
            json!({"message": "no"}),
        ),
    ];
    for (source, expected) in table {
        assert_eq!(rig.output(source).await, expected, "{source}");
    }
    let error = rig.error("await new Promise(() => {}); return 1").await;
    assert!(error.message.contains("never comes"), "{error}");
}

#[tokio::test]
async fn function_named_transform_is_called() {
    let rig = Rig::new();
    let table = [
        "function transform(payload, context) { return { org: context.orgId } }",
        "async function transform(p, c) { return { org: await c.orgId } } // at the end",
        "const transform = (payload, { orgId: org }) => ({ org });",
    ];
    for source in table {
        assert_eq!(rig.output(source).await, json!({"org": 7}), "{source}");
    }
}

#[tokio::test]
async fn conditions_are_expressions() {
    let rig = Rig::new();
    let payload = json!({"age": 40, "tags": ["vip"]});
    for (condition, expected) in [
        ("payload.age > 18 && payload.tags.includes('vip')", true),
        ("payload.missing?.deep", false),
        ("await Promise.resolve(payload.age === 40) // comment", true),
        ("context.eventType === 'patient-updated'", true),
    ] {
        assert_eq!(rig.holds(condition, &payload).await, Ok(expected), "{condition}");
    }
    for condition in ["1; 2", "1) || (2", "return true", "", "if (x) {}"] {
        assert_eq!(
            rig.pool
                .check(rig.org, condition, ScriptKind::Expression)
                .await
                .unwrap_err()
                .fault,
            ScriptFault::Syntax,
            "{condition}"
        );
    }
}

#[tokio::test]
async fn syntax_errors_have_line_and_column() {
    let rig = Rig::new();
    let table = [
        ("return {\n  a: 1,\n  b: = 2\n}", 3, 6),
        ("const a = 1;\nconst a = 2;\nreturn a", 2, 7),
        (
            "const f = () => {\n  let b = 1, c = 2;\n  const { b } = payload;\n};\nreturn f()",
            3,
            11,
        ),
        ("var a = 1;\nlet a = 2;\nreturn a", 2, 5),
        ("function a() {}\nclass a {}\nreturn a", 2, 7),
        ("return 'unclosed", 1, 8),
        ("with (payload) { return 1 }", 1, 1),
    ];
    for (source, line, column) in table {
        let checked = rig.pool.check(rig.org, source, ScriptKind::Transform).await;
        let error = checked.expect_err(source);
        assert_eq!(error.fault, ScriptFault::Syntax, "{source}: {error}");
        let position = error.position.unwrap_or_else(|| panic!("{source}: {error}"));
        assert_eq!(position.line, line, "{source}: {error} {position:?}");
        assert!(position.column.abs_diff(column) <= 2, "{source}: {error} {position:?}");
    }
    for source in [
        "return 1",
        "function transform() {}",
        "const x = await 1; return x",
        "",
        "const a = 1; { const a = 2; } var b = 1; var b = 2; function c() { const a = 3; } function c() {} return a",
    ] {
        assert_eq!(
            rig.pool.check(rig.org, source, ScriptKind::Transform).await,
            Ok(()),
            "{source}"
        );
    }
    // None of these may leave the function around them.
    for source in [
        "}); globalThis.x = 1; (function () {",
        "} /* ",
        "return 1 */",
        "}",
        "let payload = 1; return payload",
    ] {
        assert_eq!(
            rig.pool
                .check(rig.org, source, ScriptKind::Transform)
                .await
                .unwrap_err()
                .fault,
            ScriptFault::Syntax,
            "{source}"
        );
    }
}

#[tokio::test]
async fn script_error_has_message_position_and_console() {
    let rig = Rig::new();
    let error = rig
        .error("console.log('before', { a: 1 });\nconst x = null;\nreturn x.y;")
        .await;
    assert_eq!(error.fault, ScriptFault::Error);
    assert!(error.message.starts_with("TypeError: "), "{error}");
    assert_eq!(error.position.map(|position| position.line), Some(3), "{error:?}");
    assert_eq!(error.console[0].text, r#"before {"a":1}"#);

    let error = rig
        .error("function deep() {\n  throw new RangeError('too far');\n}\n\nawait 0; deep();")
        .await;
    assert_eq!(error.message, "RangeError: too far");
    assert_eq!(error.position.map(|position| position.line), Some(2), "{error:?}");

    assert_eq!(rig.error("throw 'a text'").await.message, "a text");
    assert_eq!(
        rig.error("class Mine extends Error { constructor(m) { super(m); this.name = 'Mine'; } } throw new Mine('x')")
            .await
            .message,
        "Mine: x"
    );
    let Position { line, .. } = rig.error("\n\nreturn missing.x").await.position.unwrap();
    assert_eq!(line, 3);
}

#[tokio::test]
async fn console_is_captured_up_to_its_limits() {
    let rig = Rig::new();
    let source =
        "console.log('a', 1, null, undefined, true, [1, { b: 2 }]); console.warn(new TypeError('x')); console.error(() => 1);
        console.debug(Symbol('s')); console.info(); return {}";
    let console = rig.run(source, &json!({})).await.unwrap().console;
    let lines: Vec<_> = console.iter().map(|line| (line.level, line.text.as_str())).collect();
    let expected = [
        (ConsoleLevel::Log, r#"a 1 null undefined true [1,{"b":2}]"#),
        (ConsoleLevel::Warn, "TypeError: x"),
        (ConsoleLevel::Error, "[function]"),
        (ConsoleLevel::Debug, "Symbol(s)"),
        (ConsoleLevel::Info, ""),
    ];
    assert_eq!(lines, expected);

    let many = rig
        .run("for (let i = 0; i < 5000; i++) console.log(i); return {}", &json!({}))
        .await
        .unwrap()
        .console;
    assert_eq!((many.len(), many[100].text.as_str()), (101, "(what follows was not kept)"));
    let long = rig
        .run("console.log('é'.repeat(100000)); console.log('more'); return {}", &json!({}))
        .await
        .unwrap()
        .console;
    assert!(
        long.iter().map(|line| line.text.len()).sum::<usize>() <= 8 * 1024 + 32,
        "{}",
        long.len()
    );
}

#[tokio::test]
async fn script_clock_stands_still_at_the_given_time() {
    let rig = Rig::new();
    let source = "const a = Date.now(); for (let i = 0; i < 1000; i++); return [new Date(), Date.now() - a, new Date().getTimezoneOffset(), new Date(2024, 0, 1), context.now]";
    let expected = json!([
        "2024-03-10T12:30:00.000Z",
        0,
        0,
        "2024-01-01T00:00:00.000Z",
        "2024-03-10T12:30:00.000Z"
    ]);
    assert_eq!(rig.output(source).await, expected);
}

#[tokio::test]
async fn helpers_return_what_the_readme_says() {
    let rig = Rig::new();
    let table = [
        ("epoch('2024-03-10T12:30:00Z')", json!(1_710_073_800)),
        ("epoch(new Date(1710073800999))", json!(1_710_073_800)),
        ("epoch(null)", Value::Null),
        (
            "datetime('2024-03-10', '18:00', 'Asia/Kolkata')",
            json!("2024-03-10T12:30:00.000Z"),
        ),
        (
            "datetime('03/10/2024', '6:00 PM', '+05:30', 'MDY')",
            json!("2024-03-10T12:30:00.000Z"),
        ),
        ("datetime('2024-03-10')", json!("2024-03-10T00:00:00.000Z")),
        ("parseDate('03/05/2024', 'MDY')", json!("2024-03-05T00:00:00.000Z")),
        ("parseDate('20260204140000')", json!("2026-02-04T14:00:00.000Z")),
        (
            "datetime('03/05/2024', '10:00', 'UTC', 'DMY')",
            json!("2024-05-03T10:00:00.000Z"),
        ),
        ("parseDate('03/05/2024', 'DMY')", json!("2024-05-03T00:00:00.000Z")),
        (
            "parseDate('05.03.24 10:00', '%d.%m.%y %H:%M', 'Asia/Kolkata')",
            json!("2024-03-05T04:30:00.000Z"),
        ),
        ("parseDate('March 5, 2024') instanceof Date", json!(true)),
        ("parseDate('')", Value::Null),
        ("addDays('2024-02-28', 2)", json!("2024-03-01T00:00:00.000Z")),
        ("addHours(context.now, -1).toISOString()", json!("2024-03-10T11:30:00.000Z")),
        ("addMinutes(new Date(0), 90)", json!("1970-01-01T01:30:00.000Z")),
        (
            "formatDate('2024-03-10T18:30:00Z', 'DD/MM/YYYY hh:mm A', 'Asia/Kolkata')",
            json!("11/03/2024 12:00 AM"),
        ),
        ("formatDate(new Date(0), '%H:%M %z', '-03:00')", json!("21:00 -0300")),
        ("formatDate(null, 'YYYY')", Value::Null),
        ("formatPhone('9876543210x12', '91')", Value::Null),
        ("formatPhone('(415) 555-0132', 1)", json!("+14155550132")),
        ("formatPhone(null, 1)", Value::Null),
        (
            "[uppercase('straße'), lowercase('ÀB'), trim(' \\ufeff x\\n')]",
            json!(["STRASSE", "àb", "x"]),
        ),
        ("[uppercase(null), trim(5)]", json!([null, "5"])),
        ("get({ a: [{ b: 1 }] }, 'a[0].b', 9)", json!(1)),
        ("get({ a: null }, 'a.b', 9)", json!(9)),
        ("get({ a: null }, ['a'], 9)", Value::Null),
        ("get({}, 'constructor.constructor', 9)", json!(9)),
        ("get(undefined, 'a', 'none')", json!("none")),
    ];
    for (expression, expected) in table {
        assert_eq!(
            rig.output(&format!("return [{expression}]")).await,
            json!([expected]),
            "{expression}"
        );
    }
    for expression in [
        "parseDate('03/05/2024')",
        "parseDate('25/03/2024', 'MDY')",
        "parseDate('1957')",
        "parseDate('x')",
        "formatDate('2024-03-10', 'Q')",
        "new Date('x')",
        "addDays('2024-01-01', 'x')",
        "datetime('2024-03-10', '1', 'Mars/X')",
        "parseDate('1', 'dd/mm')",
    ] {
        let error = rig.error(&format!("return {expression}")).await;
        assert!(error.message.starts_with("RangeError: "), "{expression}: {error}");
    }
}

#[tokio::test]
async fn locale_methods_are_refused() {
    let rig = Rig::new();
    for expression in [
        "new Date(0).toLocaleString('en-IN', { timeZone: 'Asia/Kolkata' })",
        "new Date(0).toLocaleDateString()",
        "(1234.5).toLocaleString('en-IN')",
    ] {
        let error = rig.error(&format!("return {expression}")).await;
        assert!(error.message.contains("is not offered"), "{expression}: {error}");
    }
}

#[tokio::test]
async fn objects_with_frozen_prototypes_can_be_assigned() {
    let rig = Rig::new();
    let source = "const o = {}; o.toString = () => 'mine'; o.constructor = 1; o.hasOwnProperty = 2;
        const e = new Error('a'); e.message = 'b'; e.name = 'N';
        const a = [1, 2]; a.toString = () => 'array';
        const d = new Date(0); d.toJSON = () => 'date';
        function f() {} f.call = 3;
        class A { constructor() { this.valueOf = 4 } }
        return [`${o}`, o.constructor, Object.keys(o), e.message, e.name, `${a}`, d, f.call, new A()]";
    let expected =
        json!(["mine", 1, ["toString", "constructor", "hasOwnProperty"], "b", "N", "array", "date", 3, {"valueOf": 4}]);
    assert_eq!(rig.output(source).await, expected);
}

#[tokio::test]
async fn size_limits_are_clear_errors() {
    let rig = Rig::new();
    let comment = format!("// {}\nreturn {{}}", "x".repeat(64 * 1024));
    let error = rig.error(&comment).await;
    assert_eq!(
        (error.fault, error.message.contains("65536")),
        (ScriptFault::Limit, true),
        "{error}"
    );
    let large = json!("x".repeat(256 * 1024));
    assert_eq!(rig.run("return 1", &large).await.unwrap_err().fault, ScriptFault::Limit);
    let deep = (0..101).fold(json!(1), |value, _| json!([value]));
    let error = rig.run("return 1", &deep).await.unwrap_err();
    assert!(
        error.fault == ScriptFault::Limit && error.message.contains("100 levels"),
        "{error}"
    );
    let wide = json!(vec![0; 100_000]);
    assert_eq!(
        output(&rig.run("return payload.length", &wide).await.unwrap()),
        json!(100_000)
    );
    for source in ["return 'x'.repeat(1024 * 1024)", "return 'é'.repeat(600000)"] {
        assert_eq!(rig.error(source).await.fault, ScriptFault::Limit, "{source}");
    }
    let error = rig.error("let x = []; for (let i = 0; i < 150; i++) x = [x]; return x").await;
    assert!(
        error.fault == ScriptFault::Limit && error.message.contains("100 levels"),
        "{error}"
    );
}
