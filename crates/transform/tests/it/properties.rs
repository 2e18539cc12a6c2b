//! Properties that hold for any rules and any payload.

use ig_core::id::LookupType;
use ig_core::integration::{
    DateFormat, FieldMapping, LookupReturn, LookupRule, LookupSource, MAX_DEPTH, SimpleMapping, StaticField, Transform, Unmapped,
};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use ig_transform::{CompiledLookups, CompiledMapping, Problem};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::mapping::field;

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9]{1,14}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[abc0]", inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    prop::collection::vec("[abc0](\\[\\]){0,2}(\\[[01]\\])?", 1..5).prop_map(|segments| segments.join("."))
}

fn any_transform() -> impl Strategy<Value = Option<Transform>> {
    prop_oneof![
        Just(None),
        Just(Some(Transform::Trim)),
        Just(Some(Transform::Upper)),
        Just(Some(Transform::Default)),
        Just(Some(Transform::Lookup(LookupType::new("T")))),
        Just(Some(Transform::Date(DateFormat {
            timezone: Some("Europe/Berlin".to_owned()),
            output: Some("%c".to_owned()),
            ..DateFormat::default()
        }))),
    ]
}

/// Every key mapped to itself.
fn all_mapped(keys: Vec<LookupKey>) -> ResolvedLookups {
    let side = |key: &LookupKey| LookupSide {
        id: key.source_id.clone(),
        fields: Map::new(),
    };
    keys.into_iter().map(|key| (key.clone(), side(&key).into())).collect()
}

fn lookup(source: LookupSource, target: String, unmapped: Unmapped) -> LookupRule {
    LookupRule {
        lookup_type: LookupType::new("T"),
        source,
        target_field: target,
        returns: LookupReturn::Object,
        unmapped,
    }
}

fn any_source() -> impl Strategy<Value = LookupSource> {
    prop_oneof![
        any_path().prop_map(LookupSource::Field),
        (any_path(), any_path()).prop_map(|(one, other)| LookupSource::Template(format!("{{{{{one}}}}}-{{{{{other}}}}}"))),
    ]
}

fn date_rule(input: Option<&str>, output: Option<&str>, timezone: &str) -> FieldMapping {
    FieldMapping {
        transform: Some(Transform::Date(DateFormat {
            input: input.map(str::to_owned),
            output: output.map(str::to_owned),
            timezone: Some(timezone.to_owned()),
        })),
        ..field("v", "v")
    }
}

/// The output of one date rule, if the rule compiles.
fn rewritten(rule: FieldMapping, value: &Value) -> Option<Result<Value, Problem>> {
    let mapping = SimpleMapping {
        fields: vec![rule],
        ..SimpleMapping::default()
    };
    let compiled = CompiledMapping::compile(&mapping).ok()?;
    let output = compiled.apply(&json!({ "v": value }), &ResolvedLookups::new());
    Some(output.map(|output| output["v"].clone()).map_err(|error| error.problem))
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

proptest! {
    #[test]
    fn mapping_never_panics_or_nests_too_deep(
        payload in any_value(),
        rules in prop::collection::vec((any_path(), any_path(), any_transform(), prop::option::of(any_value())), 0..6),
        passthrough: bool,
    ) {
        let mut mapping = SimpleMapping { passthrough, ..SimpleMapping::default() };
        for (source, target, transform, default) in rules {
            let mut rule = field(&source, &target);
            rule.transform = transform;
            rule.default = default;
            mapping.fields.push(rule);
        }
        if let Ok(compiled) = CompiledMapping::compile(&mapping)
            && let Ok(output) = compiled.apply(&payload, &ResolvedLookups::new())
        {
            prop_assert!(depth(&output) <= MAX_DEPTH);
        }
    }

    #[test]
    fn path_of_any_text_parses_or_is_a_fault(text in ".{0,40}", payload in any_value()) {
        let mapping = SimpleMapping { fields: vec![field(&text, &text)], ..SimpleMapping::default() };
        if let Ok(compiled) = CompiledMapping::compile(&mapping) {
            let _ = compiled.apply(&payload, &ResolvedLookups::new());
        }
    }

    #[test]
    fn output_keys_are_in_the_order_of_their_rules(order in Just((0..12).collect::<Vec<u32>>()).prop_shuffle()) {
        let mapping = SimpleMapping {
            fields: order.iter().map(|n| field("v", &format!("k{n}"))).collect(),
            ..SimpleMapping::default()
        };
        let output = CompiledMapping::compile(&mapping).unwrap().apply(&json!({"v": 1}), &ResolvedLookups::new()).unwrap();
        let keys: Vec<_> = output.as_object().unwrap().keys().cloned().collect();
        let expected: Vec<_> = order.iter().map(|n| format!("k{n}")).collect();
        prop_assert_eq!(keys, expected);
    }

    #[test]
    fn lookup_keys_are_all_that_lookups_read(
        payload in any_value(),
        rules in prop::collection::vec((any_source(), any_path()), 1..4),
    ) {
        let rules: Vec<_> = rules.into_iter().map(|(source, target)| lookup(source, target, Unmapped::Fail)).collect();
        if let Ok(lookups) = CompiledLookups::compile(&rules) {
            let resolved = all_mapped(lookups.lookup_keys(&payload));
            let mut output = json!({});
            if let Err(error) = lookups.apply(&payload, &resolved, &mut output)
                && let Problem::Unmapped { value, .. } = error.problem
            {
                prop_assert!(value.starts_with(['{', '[']), "{}", value);
            }
            prop_assert!(depth(&output) <= MAX_DEPTH);
        }
    }

    #[test]
    fn lookup_transform_without_rows_changes_nothing(payload in any_value(), path in any_path()) {
        let mapping = |transform| SimpleMapping {
            fields: vec![FieldMapping { transform, ..field(&path, "v") }],
            ..SimpleMapping::default()
        };
        let plain = CompiledMapping::compile(&mapping(None)).unwrap();
        let looked = CompiledMapping::compile(&mapping(Some(Transform::Lookup(LookupType::new("T"))))).unwrap();
        let none = ResolvedLookups::new();
        prop_assert_eq!(plain.apply(&payload, &none), looked.apply(&payload, &none));
    }

    #[test]
    fn date_of_any_text_is_read_or_an_error(
        text in prop_oneof![".{0,30}", "[0-9]{1,4}[-/. ]?([0-9]{1,4}|[A-Za-z]{1,9})[-/., ]{0,2}[0-9]{1,4}[ T]?[0-9:.]{0,12} ?[AaPpMmZ+-]{0,3}[0-9:]{0,5}"],
        input in prop_oneof![Just(None), Just(Some("dayFirst")), Just(Some("monthFirst||epochMillis")), Just(Some("D-MMM-YY||%d.%m.%Y %H:%M"))],
    ) {
        let _ = rewritten(date_rule(input, None, "America/New_York"), &Value::from(text));
    }

    #[test]
    fn date_pattern_of_any_text_compiles_or_is_a_fault(input in ".{0,20}", letters in "(%?[A-Za-z#:.0-9|-]){0,8}", millis in any::<i32>()) {
        for pattern in [&input, &letters] {
            let _ = rewritten(date_rule(Some(pattern), Some(pattern), "UTC"), &json!("2026-02-04T14:00:00Z"));
            let _ = rewritten(date_rule(None, Some(pattern), "UTC"), &json!(millis));
        }
    }

    #[test]
    fn date_patterns_round_trip(
        seconds in -500_000_000_i64..100_000_000_000,
        pattern in prop_oneof![
            Just("YYYY-MM-DDTHH:mm:ssZ"), Just("DD/MM/YYYY hh:mm:ss A ZZ"), Just("dddd, D MMMM YYYY H:m:s XXX"), Just("%d%m%Y%H%M%S%z"),
        ],
        zone in prop_oneof![Just("Europe/Berlin"), Just("Asia/Kathmandu"), Just("America/St_Johns")],
    ) {
        let written = rewritten(date_rule(Some("epochSeconds"), Some(pattern), zone), &json!(seconds)).unwrap().unwrap();
        let read = rewritten(date_rule(Some(pattern), Some("epochSeconds"), "UTC"), &written).unwrap();
        prop_assert_eq!(read, Ok(json!(seconds)), "{}", written);
    }

    #[test]
    fn iso_dates_round_trip(millis in -62_000_000_000_000_i64..253_000_000_000_000) {
        let written = rewritten(date_rule(Some("epochMillis"), None, "UTC"), &json!(millis)).unwrap().unwrap();
        let read = rewritten(date_rule(None, Some("epochMillis"), "Asia/Kolkata"), &written).unwrap();
        prop_assert_eq!(read, Ok(json!(millis)), "{}", written);
    }

    #[test]
    fn passthrough_changes_nothing(payload in any_value()) {
        let compiled = CompiledMapping::compile(&SimpleMapping::identity()).unwrap();
        prop_assert_eq!(compiled.apply(&payload, &ResolvedLookups::new()).unwrap(), payload);
    }
}

#[test]
fn depth_is_bounded_in_input_and_output() {
    let copy = |target: &str| {
        let mapping = SimpleMapping {
            fields: vec![field("v", target)],
            ..SimpleMapping::default()
        };
        CompiledMapping::compile(&mapping)
            .unwrap()
            .apply(&json!({ "v": nested(48) }), &ResolvedLookups::new())
    };
    assert_eq!(depth(&copy("x.y").unwrap()), MAX_DEPTH);
    assert_eq!(copy("x.y.z").unwrap_err().rule, "/fieldMappings/0");
    let whole = CompiledMapping::compile(&SimpleMapping::identity()).unwrap();
    assert!(whole.apply(&nested(50), &ResolvedLookups::new()).is_ok());
    assert!(whole.apply(&nested(51), &ResolvedLookups::new()).is_err());
}

#[test]
fn static_value_counts_the_depth_of_its_key() {
    let mapping = SimpleMapping {
        statics: vec![StaticField {
            key: "a.b".to_owned(),
            value: nested(49),
        }],
        ..SimpleMapping::default()
    };
    assert!(CompiledMapping::compile(&mapping).is_err());
}

#[test]
fn output_budget_bounds_what_rules_write() {
    let mapping = SimpleMapping {
        fields: vec![field("l[]", "o[].a.999")],
        ..SimpleMapping::default()
    };
    let compiled = CompiledMapping::compile(&mapping).unwrap();
    let apply = |items: usize| compiled.apply(&json!({ "l": vec![0; items] }), &ResolvedLookups::new());
    assert!(apply(100).is_ok());
    assert_eq!(apply(100_000).unwrap_err().problem, Problem::TooLarge);
}
