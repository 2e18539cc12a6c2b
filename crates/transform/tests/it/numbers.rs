//! Numbers that are only passed on keep their digits.

use std::collections::HashMap;

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::id::LookupType;
use ig_core::integration::{FieldMapping, SimpleMapping, StaticField, Transform};
use ig_core::lookup::{LookupKey, ResolvedLookups};
use ig_transform::CompiledSimple;
use ig_transform::script::ScriptValue;

use super::mapping::field;
use super::script::rig::Rig;

const PAYLOAD: &str = r#"{"id":123456789012345678901234567890,"price":1.10,"bill":{"total":20.00,"tiny":1e-7},"huge":1e+400}"#;

fn sent(mapping: &SimpleMapping) -> String {
    let payload = Payload::parse(Bytes::from_static(PAYLOAD.as_bytes())).unwrap();
    let compiled = CompiledSimple::compile(mapping).unwrap();
    let sent = compiled.apply(&payload, &ResolvedLookups::new()).unwrap();
    String::from_utf8(sent.to_vec()).unwrap()
}

#[test]
fn mapping_keeps_the_digits_of_numbers() {
    let lookup = Transform::Lookup(LookupType::new("items"));
    let mapping = SimpleMapping {
        fields: vec![
            field("id", "patient"),
            field("bill.total", "total"),
            FieldMapping {
                transform: Some(lookup),
                ..field("price", "unmapped")
            },
        ],
        statics: vec![StaticField {
            key: "version".to_owned(),
            value: serde_json::from_str("2.0").unwrap(),
        }],
        ..SimpleMapping::default()
    };
    let expected = r#"{"patient":123456789012345678901234567890,"total":20.00,"unmapped":1.10,"version":2.0}"#;
    assert_eq!(sent(&mapping), expected);
}

#[test]
fn passthrough_keeps_the_digits_of_numbers() {
    let mapping = SimpleMapping {
        passthrough: true,
        fields: vec![field("price", "cost")],
        ..SimpleMapping::default()
    };
    let expected = PAYLOAD.trim_end_matches('}').to_owned() + r#","cost":1.10}"#;
    assert_eq!(sent(&mapping), expected);
}

#[test]
fn lookup_key_of_a_number_has_its_digits() {
    let table = LookupType::new("codes");
    let key = |text: &str| LookupKey::of(&table, &serde_json::from_str(text).unwrap()).unwrap();
    let rows: HashMap<_, _> = [(key("250.10"), "diabetes"), (key("123456789012345678901234567891"), "other")].into();
    assert_eq!(rows.get(&key("250.10")), Some(&"diabetes"));
    assert_eq!(rows.get(&key("123456789012345678901234567890")), None);
}

#[tokio::test]
async fn script_keeps_the_digits_of_untouched_numbers() {
    let payload = r#"{"id":123456789012345678901234567890,"price":1.10,"bill":{"total":20.00,"n":3}}"#;
    let value = serde_json::from_str(payload).unwrap();
    let rig = Rig::new();
    let source = "return { ...payload, patient: payload.id, half: payload.bill.n / 2 }";
    let outcome = rig.run(source, &value).await.unwrap();
    let ScriptValue::Output(sent) = outcome.value else {
        panic!("{outcome:?}")
    };
    let expected = payload.trim_end_matches('}').to_owned() + r#"},"patient":123456789012345678901234567890,"half":1.5}"#;
    assert_eq!(String::from_utf8(sent.to_vec()).unwrap(), expected);
}

#[tokio::test]
async fn script_that_returns_an_ambiguous_number_fails() {
    let payload = serde_json::from_str(r#"{"ids":[90071992547409930,90071992547409931]}"#).unwrap();
    let error = Rig::new().run("return payload.ids.slice(1)", &payload).await.unwrap_err();
    assert!(error.message.contains("have them sent as texts"), "{error}");
}
