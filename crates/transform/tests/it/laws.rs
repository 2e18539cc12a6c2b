//! What holds for any rules and any payload.

use ig_core::integration::{DateFormat, MAX_DEPTH, SimpleMapping, StaticField, Transform};
use ig_core::lookup::Resolved;
use ig_transform::CompiledMapping;
use proptest::prelude::*;
use serde_json::{Value, json};

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
        Just(Some(Transform::Date(DateFormat {
            timezone: Some("Europe/Berlin".to_owned()),
            output: Some("%c".to_owned()),
            ..DateFormat::default()
        }))),
    ]
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
    fn nothing_makes_it_panic_or_nest_too_deep(
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
            && let Ok(output) = compiled.apply(&payload, &Resolved::new())
        {
            prop_assert!(depth(&output) <= MAX_DEPTH);
        }
    }

    #[test]
    fn any_text_is_a_path_or_a_fault(text in ".{0,40}", payload in any_value()) {
        let mapping = SimpleMapping { fields: vec![field(&text, &text)], ..SimpleMapping::default() };
        if let Ok(compiled) = CompiledMapping::compile(&mapping) {
            let _ = compiled.apply(&payload, &Resolved::new());
        }
    }

    #[test]
    fn keys_stand_in_the_order_of_their_rules(order in Just((0..12).collect::<Vec<u32>>()).prop_shuffle()) {
        let mapping = SimpleMapping {
            fields: order.iter().map(|n| field("v", &format!("k{n}"))).collect(),
            ..SimpleMapping::default()
        };
        let output = CompiledMapping::compile(&mapping).unwrap().apply(&json!({"v": 1}), &Resolved::new()).unwrap();
        let keys: Vec<_> = output.as_object().unwrap().keys().cloned().collect();
        let expected: Vec<_> = order.iter().map(|n| format!("k{n}")).collect();
        prop_assert_eq!(keys, expected);
    }

    #[test]
    fn passing_a_payload_through_changes_nothing(payload in any_value()) {
        let compiled = CompiledMapping::compile(&SimpleMapping::identity()).unwrap();
        prop_assert_eq!(compiled.apply(&payload, &Resolved::new()).unwrap(), payload);
    }
}

#[test]
fn depth_is_bounded_on_the_way_in_and_on_the_way_out() {
    let copy = |target: &str| {
        let mapping = SimpleMapping {
            fields: vec![field("v", target)],
            ..SimpleMapping::default()
        };
        CompiledMapping::compile(&mapping)
            .unwrap()
            .apply(&json!({ "v": nested(48) }), &Resolved::new())
    };
    assert_eq!(depth(&copy("x.y").unwrap()), MAX_DEPTH);
    assert_eq!(copy("x.y.z").unwrap_err().rule, "/fieldMappings/0");
    let whole = CompiledMapping::compile(&SimpleMapping::identity()).unwrap();
    assert!(whole.apply(&nested(50), &Resolved::new()).is_ok());
    assert!(whole.apply(&nested(51), &Resolved::new()).is_err());
}

#[test]
fn a_static_value_counts_its_keys_depth() {
    let mapping = SimpleMapping {
        statics: vec![StaticField {
            key: "a.b".to_owned(),
            value: nested(49),
        }],
        ..SimpleMapping::default()
    };
    assert!(CompiledMapping::compile(&mapping).is_err());
}
