use proptest::prelude::*;
use serde_json::json;

use super::*;

fn field(path: &str, test: FieldTest) -> Filter {
    let path = path.to_owned();
    Filter::Field { path, test }
}

fn pointers(value: &Value) -> Vec<String> {
    let faults = Filter::from_json(value).unwrap_err();
    faults.list().iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn filters_are_read_as_written() {
    let table = [
        (json!({"field": "a.b", "eq": null}), field("a.b", FieldTest::Eq(Value::Null))),
        (
            json!({"field": "age", "gte": 18, "lt": 65}),
            Filter::And(vec![
                field("age", FieldTest::Gte(json!(18))),
                field("age", FieldTest::Lt(json!(65))),
            ]),
        ),
        (
            json!({"and": [{"field": "a", "exists": true}]}),
            Filter::And(vec![field("a", FieldTest::Exists(true))]),
        ),
        (json!({"or": []}), Filter::Or(vec![])),
        (
            json!({"not": {"field": "a", "in": [1, "x"]}}),
            Filter::Not(Box::new(field("a", FieldTest::In(vec![json!(1), json!("x")])))),
        ),
        (
            json!({"and": [{"field": "a", "regex": "^x"}, {"field": "a", "regex": "y$"}]}),
            Filter::And(vec![
                field("a", FieldTest::Regex("^x".to_owned())),
                field("a", FieldTest::Regex("y$".to_owned())),
            ]),
        ),
    ];
    for (json, filter) in table {
        assert_eq!(Filter::from_json(&json), Ok(filter.clone()), "{json}");
        assert_eq!(filter.to_json(), json);
    }
}

#[test]
fn every_fault_of_a_filter_is_reported_by_its_place() {
    let table = [
        (json!([]), vec![""]),
        (json!({}), vec![""]),
        (json!({"field": "a"}), vec![""]),
        (json!({"field": "", "eq": 1}), vec!["/field"]),
        (json!({"field": "a", "equals": 1, "a/b~": 2}), vec!["/equals", "/a~1b~0"]),
        (json!({"field": "a", "gt": [1], "exists": "yes"}), vec!["/gt", "/exists"]),
        (json!({"field": "a", "in": 1, "regex": 2}), vec!["/in", "/regex"]),
        (json!({"and": [{"field": "a", "eq": 1}, {"or": 5}]}), vec!["/and/1/or"]),
        (
            json!({"not": {"field": "a", "startsWith": 1}, "and": []}),
            vec!["/and", "/not/startsWith"],
        ),
    ];
    for (json, expected) in table {
        assert_eq!(pointers(&json), expected, "{json}");
    }
}

#[test]
fn filter_depth_and_size_are_bounded() {
    let nested = |levels| (0..levels).fold(json!({"field": "a", "eq": 1}), |inner, _| json!({ "not": inner }));
    assert!(Filter::from_json(&nested(MAX_FILTER_DEPTH)).is_ok());
    assert_eq!(pointers(&nested(MAX_FILTER_DEPTH + 1)), ["/not".repeat(MAX_FILTER_DEPTH)]);
    let wide = |tests| json!({ "or": vec![json!({"field": "a", "eq": 1}); tests] });
    assert!(Filter::from_json(&wide(MAX_FILTER_NODES - 1)).is_ok());
    assert_eq!(pointers(&wide(MAX_FILTER_NODES)), [""]);
}

fn any_test() -> impl Strategy<Value = FieldTest> {
    let value = || prop_oneof![any::<i64>().prop_map(Value::from), "[a-z]{0,3}".prop_map(Value::from)];
    let values = || prop::collection::vec(value(), 0..3);
    prop_oneof![
        value().prop_map(FieldTest::Eq),
        value().prop_map(FieldTest::Ne),
        value().prop_map(FieldTest::Gt),
        value().prop_map(FieldTest::Gte),
        value().prop_map(FieldTest::Lt),
        value().prop_map(FieldTest::Lte),
        values().prop_map(FieldTest::In),
        values().prop_map(FieldTest::Nin),
        any::<bool>().prop_map(FieldTest::Exists),
        "[a-z]{0,3}".prop_map(FieldTest::StartsWith),
        value().prop_map(FieldTest::Contains),
        "[a-z]{0,3}".prop_map(FieldTest::Regex),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let leaf = ("[ab]", any_test()).prop_map(|(path, test)| field(&path, test));
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn a_written_filter_reads_back_the_same(filter in any_filter()) {
        prop_assert_eq!(Filter::from_json(&filter.to_json()), Ok(filter));
    }
}
