//! Field mappings.

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::integration::{DateFormat, FieldMapping, SimpleMapping, StaticField, Transform, Transformation};
use ig_core::lookup::ResolvedLookups;
use ig_transform::{Compiled, CompiledMapping};
use serde_json::{Value, json};

pub(crate) fn field(source: &str, target: &str) -> FieldMapping {
    FieldMapping {
        source: source.to_owned(),
        target: target.to_owned(),
        transform: None,
        default: None,
    }
}

fn with(transform: Transform, default: Option<Value>) -> FieldMapping {
    FieldMapping {
        transform: Some(transform),
        default,
        ..field("v", "v")
    }
}

fn mapped(fields: Vec<FieldMapping>, payload: &Value) -> Value {
    let mapping = SimpleMapping {
        fields,
        ..SimpleMapping::default()
    };
    CompiledMapping::compile(&mapping)
        .unwrap()
        .apply(payload, &ResolvedLookups::new())
        .unwrap()
}

fn fault_pointers(mapping: &SimpleMapping) -> Vec<String> {
    let faults = CompiledMapping::compile(mapping).unwrap_err();
    faults.list().iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn mapping_copies_the_values_of_one_rule() {
    let payload = json!({"a": {"b": 1, "n": null}, "items": [{"code": "x", "tags": ["p", "q"]}, {"tags": ["r"]}, {"code": "z"}], "none": []});
    let table = [
        ("a.b", "b", json!({"b": 1})),
        ("a.b", "x.y.z", json!({"x": {"y": {"z": 1}}})),
        ("a", "a", json!({"a": {"b": 1, "n": null}})),
        ("a.n", "n", json!({"n": null})),
        ("a.missing", "m", json!({})),
        ("a.b.c", "m", json!({})),
        ("items.0.code", "first", json!({"first": "x"})),
        ("items[2].code", "third", json!({"third": "z"})),
        ("items.7.code", "m", json!({})),
        ("a.b", "list.1.v", json!({"list": [null, {"v": 1}]})),
        (
            "items[].code",
            "lines[].sku",
            json!({"lines": [{"sku": "x"}, {}, {"sku": "z"}]}),
        ),
        ("items[].code", "codes", json!({"codes": ["x", "z"]})),
        ("items[].code", "codes[]", json!({"codes": ["x", "z"]})),
        ("items[].tags[]", "tags", json!({"tags": ["p", "q", "r"]})),
        (
            "items[].tags[]",
            "lines[].tags[]",
            json!({"lines": [{"tags": ["p", "q"]}, {"tags": ["r"]}, {}]}),
        ),
        ("items[].tags", "tags", json!({"tags": [["p", "q"], ["r"]]})),
        ("none[].code", "codes", json!({"codes": []})),
        ("none[].code", "lines[].sku", json!({"lines": []})),
        ("a[].b", "codes", json!({})),
        ("missing[].b", "lines[].b", json!({})),
    ];
    for (source, target, expected) in table {
        assert_eq!(
            mapped(vec![field(source, target)], &payload),
            expected,
            "{source} -> {target}"
        );
    }
}

#[test]
fn mapping_rules_fill_the_same_elements() {
    let payload = json!({"items": [{"code": "x", "n": 1}, {"code": "y"}]});
    let rules = vec![field("items[].code", "lines[].sku"), field("items[].n", "lines[].quantity")];
    assert_eq!(
        mapped(rules, &payload),
        json!({"lines": [{"sku": "x", "quantity": 1}, {"sku": "y"}]})
    );
}

#[test]
fn transforms_change_texts_and_leave_the_rest() {
    use Transform::{Default, Lower, Trim, Upper};
    let date = Transform::Date(DateFormat::default());
    let table = [
        (Trim, json!("  a "), json!("a")),
        (Trim, json!(5), json!(5)),
        (Upper, json!("aß"), json!("ASS")),
        (Lower, json!("AÉ"), json!("aé")),
        (Default, json!(null), json!("fallback")),
        (Default, json!(""), json!("fallback")),
        (Default, json!(0), json!(0)),
        (Default, json!(false), json!(false)),
        (
            date.clone(),
            json!("2024-01-02T00:00:00+01:00"),
            json!("2024-01-01T23:00:00Z"),
        ),
        (date, json!(""), json!("fallback")),
    ];
    for (transform, value, expected) in table {
        let rule = with(transform.clone(), Some(json!("fallback")));
        assert_eq!(
            mapped(vec![rule], &json!({ "v": value })),
            json!({ "v": expected }),
            "{transform:?} of {value}"
        );
    }
}

#[test]
fn default_is_written_where_the_source_is_missing() {
    let rule = |source: &str, target: &str| FieldMapping {
        default: Some(json!("d")),
        ..field(source, target)
    };
    let payload = json!({"items": [{"a": 1}, {}]});
    assert_eq!(mapped(vec![rule("x", "x")], &payload), json!({"x": "d"}));
    assert_eq!(
        mapped(vec![rule("items[].a", "l[].a")], &payload),
        json!({"l": [{"a": 1}, {"a": "d"}]})
    );
    assert_eq!(mapped(vec![rule("items[].a", "l")], &payload), json!({"l": [1, "d"]}));
    assert_eq!(mapped(vec![rule("no[].a", "l")], &payload), json!({"l": "d"}));
}

#[test]
fn passthrough_begins_with_the_payload_and_statics_come_last() {
    let mapping = SimpleMapping {
        passthrough: true,
        fields: vec![field("a", "b")],
        statics: vec![StaticField {
            key: "meta.kind".to_owned(),
            value: json!("k"),
        }],
    };
    let output = CompiledMapping::compile(&mapping)
        .unwrap()
        .apply(&json!({"z": 0, "a": 1}), &ResolvedLookups::new())
        .unwrap();
    assert_eq!(output.to_string(), r#"{"z":0,"a":1,"b":1,"meta":{"kind":"k"}}"#);
}

#[test]
fn mapping_error_names_rule_and_path() {
    let mapping = SimpleMapping {
        fields: vec![field("a", "a"), with(Transform::Date(DateFormat::default()), None)],
        ..SimpleMapping::default()
    };
    let error = CompiledMapping::compile(&mapping)
        .unwrap()
        .apply(&json!({"v": "secret"}), &ResolvedLookups::new())
        .unwrap_err();
    assert_eq!((error.rule.as_str(), error.path.as_str()), ("/fieldMappings/1", "v"));
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn mapping_never_replaces_a_value_to_write_below_it() {
    let mapping = SimpleMapping {
        passthrough: true,
        fields: vec![field("a", "items.code")],
        ..SimpleMapping::default()
    };
    let compiled = CompiledMapping::compile(&mapping).unwrap();
    for payload in [json!({"a": 1, "items": [1]}), json!({"a": 1, "items": "text"}), json!([1])] {
        let error = compiled.apply(&payload, &ResolvedLookups::new());
        assert_eq!(error.is_err(), payload.is_object(), "{payload}");
    }
}

#[test]
fn mapping_faults_have_pointers() {
    let mapping = SimpleMapping {
        fields: vec![
            field("", "a..b"),
            field("a", "b[].c"),
            FieldMapping {
                transform: Some(Transform::Date(DateFormat {
                    timezone: Some("Nowhere".to_owned()),
                    ..DateFormat::default()
                })),
                ..field("a", "b")
            },
        ],
        statics: vec![
            StaticField {
                key: "ok".to_owned(),
                value: json!(1),
            },
            StaticField {
                key: "a[].b".to_owned(),
                value: json!(1),
            },
        ],
        ..SimpleMapping::default()
    };
    let expected = [
        "/fieldMappings/0/sourceField",
        "/fieldMappings/0/targetField",
        "/fieldMappings/1/targetField",
        "/fieldMappings/2/format/timezone",
        "/staticFields/1/key",
    ];
    assert_eq!(fault_pointers(&mapping), expected);
}

#[test]
fn identity_mapping_sends_the_received_bytes() {
    let raw = Bytes::from_static(b" {\"b\" : 1.0,\"a\":\"\\u0041\" } ");
    let payload = Payload::parse(raw.clone()).unwrap();
    let compiled = Compiled::compile(&Transformation::Simple(SimpleMapping::identity())).unwrap();
    assert!(compiled.is_identity());
    let Compiled::Simple(simple) = compiled else {
        panic!("a mapping")
    };
    assert_eq!(simple.apply(&payload, &ResolvedLookups::new()).unwrap(), raw);
}
