//! Declarative filters.

use ig_core::condition::{FieldTest, Filter};
use ig_transform::CompiledFilter;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::properties::any_value;

fn matches(filter: &Value, payload: &Value) -> bool {
    let filter = Filter::from_json(filter).unwrap();
    CompiledFilter::compile(&filter).unwrap().matches(payload)
}

#[test]
fn filter_tests_compare_values() {
    let payload = json!({
        "age": 40, "ratio": 40.0, "name": "Ana Maria", "null": null, "on": true,
        "tags": ["new", 7], "address": {"zip": "560001"}, "big": 9_007_199_254_740_993_i64,
        "items": [{"code": "A1", "n": 1}, {"code": "B2", "n": 5}, {"n": 9}], "none": [],
    });
    let table = [
        (json!({"field": "age", "eq": 40}), true),
        (json!({"field": "age", "eq": 40.0}), true),
        (json!({"field": "ratio", "eq": 40}), true),
        (json!({"field": "age", "eq": "40"}), false),
        (json!({"field": "big", "eq": 9_007_199_254_740_992.0}), false),
        (json!({"field": "null", "eq": null}), true),
        (json!({"field": "address", "eq": {"zip": "560001"}}), true),
        (json!({"field": "age", "ne": 41}), true),
        (json!({"field": "null", "ne": 1}), true),
        (json!({"field": "age", "gt": 40}), false),
        (json!({"field": "age", "gte": 40, "lt": 41}), true),
        (json!({"field": "age", "gte": 40, "lt": 40}), false),
        (json!({"field": "name", "gt": "Ana"}), true),
        (json!({"field": "name", "lte": 5}), false),
        (json!({"field": "on", "gt": 0}), false),
        (json!({"field": "age", "in": [1, 40]}), true),
        (json!({"field": "age", "in": []}), false),
        (json!({"field": "age", "nin": [1, 2]}), true),
        (json!({"field": "age", "nin": [40]}), false),
        (json!({"field": "null", "exists": true}), true),
        (json!({"field": "null", "exists": false}), false),
        (json!({"field": "name", "startsWith": "Ana"}), true),
        (json!({"field": "age", "startsWith": "4"}), false),
        (json!({"field": "name", "contains": "Mar"}), true),
        (json!({"field": "tags", "contains": "new"}), true),
        (json!({"field": "tags", "contains": 7.0}), true),
        (json!({"field": "tags", "contains": "ne"}), false),
        (json!({"field": "name", "regex": "^ana\\b"}), false),
        (json!({"field": "name", "regex": "(?i)^ana\\b"}), true),
        (json!({"field": "address.zip", "regex": "^\\d{6}$"}), true),
        (json!({"field": "age", "regex": "4"}), false),
        (json!({"field": "items[].code", "eq": "B2"}), true),
        (json!({"field": "items[].code", "eq": "C3"}), false),
        (json!({"field": "items[].n", "gt": 8}), true),
        (json!({"field": "items[1].n", "eq": 5}), true),
        (json!({"field": "items[].missing", "exists": false}), true),
        (json!({"field": "items[].code", "exists": false}), false),
        (json!({"field": "none[]", "exists": true}), false),
        (json!({"field": "tags[]", "eq": 7}), true),
        (json!({"and": []}), true),
        (json!({"or": []}), false),
        (json!({"or": [{"field": "age", "lt": 1}, {"field": "on", "eq": true}]}), true),
        (
            json!({"and": [{"field": "age", "gt": 1}, {"field": "on", "eq": false}]}),
            false,
        ),
        (json!({"not": {"field": "age", "lt": 1}}), true),
    ];
    for (filter, expected) in table {
        assert_eq!(matches(&filter, &payload), expected, "{filter}");
    }
}

#[test]
fn filter_faults_have_pointers_into_the_json() {
    let faults = |filter: Value| {
        let filter = Filter::from_json(&filter).unwrap();
        let faults = CompiledFilter::compile(&filter).unwrap_err();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect::<Vec<_>>()
    };
    let filter = json!({"and": [
        {"field": "a..b", "regex": "("},
        {"not": {"or": [{"field": "ok", "eq": 1}, {"field": "a", "eq": 1, "regex": "[z-a]"}]}},
        {"field": "a", "regex": "(a{1000}){1000}"},
        {"field": "a", "regex": "(?=x)"},
    ]});
    let expected = [
        "/and/0/field",
        "/and/0/regex",
        "/and/1/not/or/1/regex",
        "/and/2/regex",
        "/and/3/regex",
    ];
    assert_eq!(faults(filter), expected);
}

#[test]
fn filter_limits_its_regular_expressions() {
    let regexes = |count: usize| Filter::Or(vec![Filter::from_json(&json!({"field": "a", "regex": "x"})).unwrap(); count]);
    assert!(CompiledFilter::compile(&regexes(20)).is_ok());
    assert!(CompiledFilter::compile(&regexes(21)).is_err());
}

#[test]
fn filter_regex_takes_linear_time() {
    let payload = json!({"v": format!("{}!", "a".repeat(200_000))});
    assert!(!matches(&json!({"field": "v", "regex": "^(a+)+$"}), &payload));
}

fn any_test() -> impl Strategy<Value = FieldTest> {
    prop_oneof![
        any_value().prop_map(FieldTest::Eq),
        any_value().prop_map(FieldTest::Ne),
        any_value().prop_map(FieldTest::Gt),
        any_value().prop_map(FieldTest::Gte),
        any_value().prop_map(FieldTest::Lt),
        any_value().prop_map(FieldTest::Lte),
        prop::collection::vec(any_value(), 0..3).prop_map(FieldTest::In),
        prop::collection::vec(any_value(), 0..3).prop_map(FieldTest::Nin),
        "[ab]{0,2}".prop_map(FieldTest::StartsWith),
        any_value().prop_map(FieldTest::Contains),
        "[ab]{0,2}".prop_map(FieldTest::Regex),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let test = prop_oneof![4 => any_test(), 1 => any::<bool>().prop_map(FieldTest::Exists)];
    let path = "[abc0](\\[\\])?(\\.[abc0])?";
    let leaf = (path, test).prop_map(|(path, test)| Filter::Field { path, test });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(not),
        ]
    })
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn passes(filter: &Filter, payload: &Value) -> bool {
    CompiledFilter::compile(filter).unwrap().matches(payload)
}

proptest! {
    #[test]
    fn filter_negated_twice_is_the_filter(filter in any_filter(), payload in any_value()) {
        let expected = passes(&filter, &payload);
        prop_assert_eq!(passes(&not(filter.clone()), &payload), !expected);
        prop_assert_eq!(passes(&not(not(filter)), &payload), expected);
    }

    #[test]
    fn filters_obey_de_morgan(filters in prop::collection::vec(any_filter(), 0..4), payload in any_value()) {
        let negated: Vec<_> = filters.iter().cloned().map(not).collect();
        prop_assert_eq!(
            passes(&not(Filter::And(filters.clone())), &payload),
            passes(&Filter::Or(negated.clone()), &payload)
        );
        prop_assert_eq!(passes(&not(Filter::Or(filters)), &payload), passes(&Filter::And(negated), &payload));
    }

    #[test]
    fn filter_passes_no_test_on_a_missing_field(test in any_test(), payload in any_value()) {
        let field = |test| Filter::Field { path: "missing.field".to_owned(), test };
        prop_assert!(!passes(&field(test), &payload));
        prop_assert!(!passes(&field(FieldTest::Exists(true)), &payload));
        prop_assert!(passes(&field(FieldTest::Exists(false)), &payload));
    }

    #[test]
    fn filters_round_trip_through_json(filter in any_filter(), payload in any_value()) {
        if let Ok(read) = Filter::from_json(&filter.to_json()) {
            prop_assert_eq!(passes(&read, &payload), passes(&filter, &payload));
        }
    }

    #[test]
    fn filter_comparisons_of_numbers_exclude_each_other(one in any::<f64>(), other in any::<i64>()) {
        prop_assume!(one.is_finite());
        let test = |test| passes(&Filter::Field { path: "v".to_owned(), test }, &json!({ "v": one }));
        let (less, equal, greater) =
            (test(FieldTest::Lt(json!(other))), test(FieldTest::Eq(json!(other))), test(FieldTest::Gt(json!(other))));
        prop_assert_eq!(u8::from(less) + u8::from(equal) + u8::from(greater), 1);
    }
}
