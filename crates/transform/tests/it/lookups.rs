//! Lookups in mappings and of integrations.

use std::sync::Arc;

use ig_core::id::LookupType;
use ig_core::integration::{FieldMapping, LookupReturn, LookupRule, LookupSource, SimpleMapping, Transform, Unmapped};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use ig_transform::{CompiledLookups, CompiledMapping, Problem};
use serde_json::{Map, Value, json};

use crate::mapping::field;

fn key(table: &str, source_id: &str) -> LookupKey {
    LookupKey {
        lookup_type: LookupType::new(table),
        source_id: source_id.to_owned(),
    }
}

/// Rows of the table `DEPT`: each source with its target's identifier and name.
fn resolved(rows: &[(&str, &str)]) -> ResolvedLookups {
    let rows = rows.iter().map(|(source, target)| {
        let mut fields = Map::new();
        fields.insert("name".to_owned(), json!(format!("name of {target}")));
        let id = (*target).to_owned();
        (key("DEPT", source), Arc::new(LookupSide { id, fields }))
    });
    rows.collect()
}

fn rule(source: LookupSource, target: &str, returns: LookupReturn, unmapped: Unmapped) -> LookupRule {
    LookupRule {
        lookup_type: LookupType::new("DEPT"),
        source,
        target_field: target.to_owned(),
        returns,
        unmapped,
    }
}

fn from_field(source: &str, target: &str, unmapped: Unmapped) -> LookupRule {
    rule(LookupSource::Field(source.to_owned()), target, id(), unmapped)
}

fn id() -> LookupReturn {
    LookupReturn::Value { field: "id".to_owned() }
}

fn written(rule: LookupRule, payload: &Value, rows: &[(&str, &str)]) -> Result<Value, Problem> {
    let mut output = json!({});
    let lookups = CompiledLookups::compile(&[rule]).unwrap();
    let applied = lookups.apply(payload, &resolved(rows), &mut output);
    applied.map(|()| output).map_err(|error| error.problem)
}

#[test]
fn mapping_writes_what_its_lookup_table_maps_to() {
    let lookup = |default: Option<Value>| FieldMapping {
        transform: Some(Transform::Lookup(LookupType::new("DEPT"))),
        default,
        ..field("items[].dept", "lines[].unit")
    };
    let payload = json!({"items": [{"dept": " 7 "}, {"dept": 7}, {"dept": "x"}, {"dept": null}, {}, {"dept": [1]}]});
    let apply = |rule: FieldMapping| {
        let mapping = SimpleMapping {
            fields: vec![field("items.0.dept", "raw"), rule],
            ..SimpleMapping::default()
        };
        let compiled = CompiledMapping::compile(&mapping).unwrap();
        assert_eq!(compiled.lookup_keys(&payload), [key("DEPT", "7"), key("DEPT", "x")]);
        let output = compiled.apply(&payload, &resolved(&[("7", "CARD")])).unwrap();
        output["lines"].clone()
    };
    let plain = json!([{"unit": "CARD"}, {"unit": "CARD"}, {"unit": "x"}, {"unit": null}, {}, {"unit": [1]}]);
    assert_eq!(apply(lookup(None)), plain);
    let defaulted = json!([{"unit": "CARD"}, {"unit": "CARD"}, {"unit": "?"}, {"unit": "?"}, {"unit": "?"}, {"unit": "?"}]);
    assert_eq!(apply(lookup(Some(json!("?")))), defaulted);
}

#[test]
fn mapping_without_lookups_has_no_lookup_keys() {
    let mapping = SimpleMapping {
        fields: vec![field("a", "b")],
        ..SimpleMapping::default()
    };
    let compiled = CompiledMapping::compile(&mapping).unwrap();
    assert_eq!(compiled.lookup_keys(&json!({"a": 1})).capacity(), 0);
}

#[test]
fn lookup_writes_a_field_or_the_whole_target() {
    let payload = json!({"site": "A", "ward": 3, "items": [{"d": "x"}, {"d": "y"}, {"d": "z"}]});
    let rows = [("x", "1"), ("y", "2"), ("A-3", "N3")];
    let field = |name: &str| LookupReturn::Value { field: name.to_owned() };
    let at = |path: &str| LookupSource::Field(path.to_owned());
    let template = |text: &str| LookupSource::Template(text.to_owned());
    let table = [
        (at("items.0.d"), "dept", id(), json!({"dept": "1"})),
        (at("items.0.d"), "a.b", field("name"), json!({"a": {"b": "name of 1"}})),
        (
            at("items.1.d"),
            "dept",
            LookupReturn::Object,
            json!({"dept": {"id": "2", "name": "name of 2"}}),
        ),
        (
            at("items[].d"),
            "lines[].dept",
            id(),
            json!({"lines": [{"dept": "1"}, {"dept": "2"}, {"dept": "z"}]}),
        ),
        (at("items[].d"), "depts", id(), json!({"depts": ["1", "2", "z"]})),
        (template("{{site}}-{{ward}}"), "nurse", id(), json!({"nurse": "N3"})),
        (
            template("{{site}}-{{items[].d}}"),
            "l[].k",
            id(),
            json!({"l": [{"k": "A-x"}, {"k": "A-y"}, {"k": "A-z"}]}),
        ),
        (at("missing"), "dept", id(), json!({})),
        (template("{{site}}-{{missing}}"), "dept", id(), json!({})),
    ];
    for (source, target, returns, expected) in table {
        let rule = rule(source, target, returns, Unmapped::Passthrough);
        assert_eq!(written(rule.clone(), &payload, &rows), Ok(expected), "{rule:?}");
    }
}

#[test]
fn unmapped_value_passes_fails_or_becomes_the_default() {
    use Unmapped::{Default, Fail, Passthrough};
    let unmapped = |value: &str| Problem::Unmapped {
        lookup_type: LookupType::new("DEPT"),
        value: value.to_owned(),
    };
    let default = || Default(json!({"code": 0}));
    let table = [
        (json!({"d": "q"}), Passthrough, Ok(json!({"o": "q"}))),
        (json!({"d": "q"}), default(), Ok(json!({"o": {"code": 0}}))),
        (json!({"d": "q"}), Fail, Err(unmapped("\"q\""))),
        (json!({"d": 12}), Fail, Err(unmapped("12"))),
        (json!({"d": {"a": 1}}), Fail, Err(unmapped("{\"a\":1}"))),
        (json!({"d": null}), Fail, Ok(json!({}))),
        (json!({"d": " "}), Fail, Ok(json!({}))),
        (json!({}), Fail, Ok(json!({}))),
        (json!({"d": null}), Passthrough, Ok(json!({"o": null}))),
        (json!({}), Passthrough, Ok(json!({}))),
        (json!({"d": null}), default(), Ok(json!({"o": {"code": 0}}))),
        (json!({}), default(), Ok(json!({"o": {"code": 0}}))),
    ];
    for (payload, unmapped, expected) in table {
        let written = written(from_field("d", "o", unmapped.clone()), &payload, &[("x", "1")]);
        assert_eq!(written, expected, "{unmapped:?} of {payload}");
    }
}

#[test]
fn lookup_error_names_rule_path_table_and_value() {
    let rules = [
        from_field("a", "a", Unmapped::Passthrough),
        from_field("items[].d", "lines[].d", Unmapped::Fail),
    ];
    let payload = json!({"items": [{"d": "x"}, {"d": "long ".repeat(50)}]});
    let lookups = CompiledLookups::compile(&rules).unwrap();
    let error = lookups.apply(&payload, &resolved(&[("x", "1")]), &mut json!({})).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("/lookups/1 (items[].d): no active row of the lookup DEPT maps \"long "),
        "{text}"
    );
    assert!(text.ends_with('…') && text.len() < 200, "{text}");
}

#[test]
fn lookup_treats_a_row_without_the_field_as_unmapped() {
    let code = || LookupReturn::Value {
        field: "code".to_owned(),
    };
    let fail = rule(LookupSource::Field("d".to_owned()), "o", code(), Unmapped::Fail);
    let failed = written(fail, &json!({"d": "x"}), &[("x", "1")]);
    assert!(matches!(failed, Err(Problem::NoField { field, .. }) if field == "code"));
    let pass = rule(LookupSource::Field("d".to_owned()), "o", code(), Unmapped::Passthrough);
    assert_eq!(written(pass, &json!({"d": "x"}), &[("x", "1")]), Ok(json!({"o": "x"})));
}

#[test]
fn lookup_keys_are_sorted_and_without_duplicates() {
    let rules = [
        from_field("items[].d", "a", Unmapped::Fail),
        from_field("items[].d", "b", Unmapped::Fail),
        rule(
            LookupSource::Template("{{s}}/{{items[].d}}".to_owned()),
            "c",
            id(),
            Unmapped::Fail,
        ),
    ];
    let lookups = CompiledLookups::compile(&rules).unwrap();
    let payload = json!({"s": true, "items": [{"d": "x"}, {"d": 1}, {"d": "x"}, {"d": ""}]});
    let wanted = ["1", "true/", "true/1", "true/x", "x"].map(|id| key("DEPT", id));
    assert_eq!(lookups.lookup_keys(&payload), wanted);
    assert!(CompiledLookups::compile(&[]).unwrap().lookup_keys(&payload).is_empty());
}

#[test]
fn lookup_faults_have_pointers() {
    let rules = [
        from_field("", "a..b", Unmapped::Fail),
        rule(LookupSource::Template("{{".to_owned()), "a", id(), Unmapped::Fail),
        from_field("a", "b[].c", Unmapped::Fail),
        rule(
            LookupSource::Field("a".to_owned()),
            "a",
            LookupReturn::Value { field: String::new() },
            Unmapped::Fail,
        ),
    ];
    let faults = CompiledLookups::compile(&rules).unwrap_err();
    let pointers: Vec<_> = faults.list().iter().map(|fault| fault.pointer.as_str()).collect();
    let expected = [
        "/lookups/0/sourceField",
        "/lookups/0/targetField",
        "/lookups/1/sourceTemplate",
        "/lookups/2/targetField",
        "/lookups/3/targetValueField",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn lookup_overwrites_outputs_of_the_mapping_and_never_writes_below_a_text() {
    let lookups = CompiledLookups::compile(&[from_field("d", "a.b", Unmapped::Fail)]).unwrap();
    let apply = |mut output: Value| {
        let applied = lookups.apply(&json!({"d": "x"}), &resolved(&[("x", "1")]), &mut output);
        applied.map(|()| output).map_err(|error| error.problem)
    };
    assert_eq!(apply(json!({"a": {"b": "x", "c": 1}})), Ok(json!({"a": {"b": "1", "c": 1}})));
    assert_eq!(apply(json!(null)), Ok(json!({"a": {"b": "1"}})));
    assert!(matches!(apply(json!({"a": "text"})), Err(Problem::InTheWay { .. })));
}
