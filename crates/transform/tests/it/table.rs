//! Tables of rules, payloads and expected outputs.

use ig_core::id::LookupType;
use ig_core::integration::{DateFormat, FieldMapping, SimpleMapping, StaticField, Transform};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use ig_transform::CompiledMapping;
use serde_json::{Map, Value, json};

mod values;

/// A rule as the API writes it: `sourceField`, `targetField`, `transform`, `defaultValue`, `lookupType`, `format`.
fn rule(written: &Value) -> FieldMapping {
    let text = |key: &str| written[key].as_str().map(str::to_owned);
    let format = |key: &str| written["format"][key].as_str().map(str::to_owned);
    let transform = written["transform"].as_str().map(|name| match name {
        "trim" => Transform::Trim,
        "upper" => Transform::Upper,
        "lower" => Transform::Lower,
        "default" => Transform::Default,
        "lookup" => Transform::Lookup(LookupType::new(text("lookupType").unwrap())),
        "date" => Transform::Date(DateFormat {
            input: format("input"),
            output: format("output"),
            timezone: format("timezone"),
        }),
        other => panic!("no transform {other}"),
    });
    FieldMapping {
        source: text("sourceField").unwrap(),
        target: text("targetField").unwrap(),
        transform,
        default: written.get("defaultValue").cloned(),
    }
}

fn mapping(written: &Value) -> SimpleMapping {
    let list = |key: &str| written[key].as_array().cloned().unwrap_or_default();
    SimpleMapping {
        passthrough: written["passthrough"].as_bool().unwrap_or(false),
        fields: list("fieldMappings").iter().map(rule).collect(),
        statics: list("staticFields")
            .iter()
            .map(|field| StaticField {
                key: field["key"].as_str().unwrap().to_owned(),
                value: field["value"].clone(),
            })
            .collect(),
    }
}

/// `DEPT` maps 1 to CARD and 2 to NEURO.
fn rows() -> ResolvedLookups {
    let rows = [("1", "CARD"), ("2", "NEURO")].map(|(source, target)| {
        let lookup_type = LookupType::new("DEPT");
        let source_id = source.to_owned();
        let (id, fields) = (target.to_owned(), Map::new());
        (LookupKey { lookup_type, source_id }, LookupSide { id, fields }.into())
    });
    rows.into()
}

/// A mapping of one rule, with further fields.
fn one(source: &str, target: &str, more: Value) -> Value {
    let mut rule = json!({"sourceField": source, "targetField": target});
    let Value::Object(more) = more else { panic!("an object") };
    rule.as_object_mut().unwrap().extend(more);
    json!({ "fieldMappings": [rule] })
}

fn plain(source: &str, target: &str) -> Value {
    one(source, target, json!({}))
}

fn check(table: Vec<(Value, Value, Value)>) {
    for (written, payload, expected) in table {
        let compiled = CompiledMapping::compile(&mapping(&written)).unwrap_or_else(|faults| panic!("{written}: {faults}"));
        let output = compiled.apply(&payload, &rows());
        let output = output.unwrap_or_else(|error| panic!("{written} of {payload}: {error}"));
        assert_eq!(output.to_string(), expected.to_string(), "{written} of {payload}");
    }
}

#[test]
fn mapping_copies_values_between_paths() {
    let order = json!({"order": {"id": 7, "lines": [
        {"code": "A", "qty": 1, "tests": [{"loinc": "x"}, {"loinc": "y"}]},
        {"code": "B", "tests": []},
        {"code": null, "qty": 3, "tests": [{"loinc": "z"}, {}]},
    ]}});
    let row = |source: &str, target: &str, expected: Value| (plain(source, target), order.clone(), expected);
    check(vec![
        row("order.id", "id", json!({"id": 7})),
        row("order.id", "a.b.c", json!({"a": {"b": {"c": 7}}})),
        row("order.id", "ids.0", json!({"ids": [7]})),
        row("order.id", "ids[2]", json!({"ids": [null, null, 7]})),
        row("order.id", "a[0].b[1].c", json!({"a": [{"b": [null, {"c": 7}]}]})),
        row("order.lines[0].code", "first", json!({"first": "A"})),
        row("order.lines.1.code", "second", json!({"second": "B"})),
        row("order.lines.9.code", "none", json!({})),
        row("order.lines.code", "none", json!({})),
        row(
            "order.lines[].code",
            "lines[].sku",
            json!({"lines": [{"sku": "A"}, {"sku": "B"}, {"sku": null}]}),
        ),
        row("order.lines[].qty", "lines[].n", json!({"lines": [{"n": 1}, {}, {"n": 3}]})),
        row("order.lines[].qty", "quantities", json!({"quantities": [1, 3]})),
        row(
            "order.lines[].code",
            "x.lines[].item.sku",
            json!({"x": {"lines": [{"item": {"sku": "A"}}, {"item": {"sku": "B"}}, {"item": {"sku": null}}]}}),
        ),
        row(
            "order.lines[].tests[].loinc",
            "obr[].obx[].code",
            json!({"obr": [{"obx": [{"code": "x"}, {"code": "y"}]}, {"obx": []}, {"obx": [{"code": "z"}, {}]}]}),
        ),
        row(
            "order.lines[].tests[].loinc",
            "obr[].codes",
            json!({"obr": [{"codes": ["x", "y"]}, {"codes": []}, {"codes": ["z"]}]}),
        ),
        row("order.lines[].tests[].loinc", "codes", json!({"codes": ["x", "y", "z"]})),
        row("order.lines[].tests[0].loinc", "codes", json!({"codes": ["x", "z"]})),
        row("order.lines[1].tests[].loinc", "codes", json!({"codes": []})),
        row("order.lines[].code", "list[][0]", json!({"list": [["A"], ["B"], [null]]})),
        row("order.missing[].code", "lines[].sku", json!({})),
    ]);
}

#[test]
fn mapping_reads_and_writes_keys_that_look_like_paths() {
    check(vec![
        (plain("a\\.b", "x"), json!({"a.b": 1, "a": {"b": 2}}), json!({"x": 1})),
        (plain("a.0", "x"), json!({"a": {"0": 1}}), json!({"x": 1})),
        (plain("v", "x\\.y"), json!({"v": 1}), json!({"x.y": 1})),
        (plain("v", "o.\\0"), json!({"v": 1}), json!({"o": {"0": 1}})),
        (plain("größe.höhe", "名前"), json!({"größe": {"höhe": 1}}), json!({"名前": 1})),
        (
            plain("__proto__.x", "constructor"),
            json!({"__proto__": {"x": 1}}),
            json!({"constructor": 1}),
        ),
    ]);
}

#[test]
fn mapping_applies_rules_passthrough_and_static_fields() {
    check(vec![
        (
            json!({"passthrough": true, "fieldMappings": [{"sourceField": "a", "targetField": "b"}]}),
            json!({"z": 1, "a": 2}),
            json!({"z": 1, "a": 2, "b": 2}),
        ),
        (
            json!({"passthrough": true, "fieldMappings": [{"sourceField": "n", "targetField": "n", "transform": "upper"}]}),
            json!({"n": "x", "m": 1}),
            json!({"n": "X", "m": 1}),
        ),
        (
            json!({"fieldMappings": [
                {"sourceField": "l[].a", "targetField": "o[].x"},
                {"sourceField": "l[].b", "targetField": "o[].y", "transform": "trim"},
                {"sourceField": "id", "targetField": "o.0.id"},
            ], "staticFields": [{"key": "meta.v", "value": [1, {"k": null}]}]}),
            json!({"id": 9, "l": [{"a": 1, "b": " p "}, {"a": 2}]}),
            json!({"o": [{"x": 1, "y": "p", "id": 9}, {"x": 2}], "meta": {"v": [1, {"k": null}]}}),
        ),
        (
            json!({"fieldMappings": [
                {"sourceField": "a", "targetField": "v"},
                {"sourceField": "b", "targetField": "v"},
                {"sourceField": "c", "targetField": "v"},
            ]}),
            json!({"a": 1, "b": 2}),
            json!({"v": 2}),
        ),
        (
            json!({"staticFields": [{"key": "a", "value": 1}, {"key": "b.0.c", "value": 2}]}),
            json!({"x": 1}),
            json!({"a": 1, "b": [{"c": 2}]}),
        ),
        (json!({}), json!({"x": 1}), json!({})),
    ]);
}
