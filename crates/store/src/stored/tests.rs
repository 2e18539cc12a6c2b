use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{self, Binary, Bson, DateTime, Document, Timestamp, doc};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::read_document;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Plain,
    Numbered(i64),
    Named { first: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    At(DateTime),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shared {
    made_at: DateTime,
    by: ObjectId,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    id: ObjectId,
    at: Option<DateTime>,
    hash: Binary,
    kinds: Vec<Kind>,
    either: Either,
    #[serde(flatten)]
    shared: Shared,
    #[serde(default)]
    missing: Option<i32>,
    ratio: f64,
    free: Document,
    any: Bson,
}

fn sample() -> Sample {
    Sample {
        id: ObjectId::new(),
        at: None,
        hash: Binary {
            subtype: BinarySubtype::Generic,
            bytes: vec![0, 255],
        },
        kinds: vec![Kind::Plain, Kind::Numbered(1 << 40), Kind::Named { first: "Ada".to_owned() }],
        either: Either::At(DateTime::from_millis(-1)),
        shared: Shared {
            made_at: DateTime::MAX,
            by: ObjectId::from_bytes([9; 12]),
        },
        missing: None,
        ratio: 0.1,
        free: doc! { "at": DateTime::MIN, "list": [1_i32, 2_i64, Bson::Null], "deep": { "id": ObjectId::new(), "yes": true } },
        any: Bson::ObjectId(ObjectId::new()),
    }
}

#[test]
fn stored_value_is_read_as_written() {
    let sample = sample();
    let written = bson::serialize_to_document(&sample).expect("it is written");
    assert_eq!(read_document::<Sample>(&written).expect("it is read"), sample);
}

#[test]
fn unknown_field_may_contain_anything() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Answer {
        n: i32,
    }
    let answer = doc! { "$clusterTime": Timestamp { time: 1, increment: 2 }, "n": 3, "most": Bson::MaxKey };
    assert_eq!(read_document::<Answer>(&answer).expect("it is read"), Answer { n: 3 });
}

#[test]
fn value_of_a_kind_that_is_never_written_is_refused_by_name() {
    let error = read_document::<Document>(&doc! { "seen": Timestamp { time: 1, increment: 2 } });
    let error = error.expect_err("it is refused").to_string();
    assert!(error.contains("Timestamp"), "{error}");
}

#[test]
fn value_of_a_wrong_type_is_refused() {
    #[derive(Debug, Deserialize)]
    struct Text {
        #[expect(dead_code, reason = "it is only read")]
        value: String,
    }
    for value in [
        Bson::Int32(1),
        Bson::Null,
        Bson::DateTime(DateTime::MAX),
        Bson::Document(doc! { "a": 1 }),
    ] {
        assert!(read_document::<Text>(&doc! { "value": &value }).is_err(), "{value:?}");
    }
}

fn any_bson() -> impl Strategy<Value = Bson> {
    let leaf = prop_oneof![
        Just(Bson::Null),
        any::<bool>().prop_map(Bson::Boolean),
        any::<i32>().prop_map(Bson::Int32),
        any::<i64>().prop_map(Bson::Int64),
        (-1e300..1e300_f64).prop_map(Bson::Double),
        ".*".prop_map(Bson::String),
        any::<i64>().prop_map(|millis| Bson::DateTime(DateTime::from_millis(millis))),
        any::<[u8; 12]>().prop_map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes))),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let entries = prop::collection::vec(("[a-z]{1,8}", inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Bson::Array),
            entries.prop_map(|entries| Bson::Document(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_read_as_it_is(value in any_bson()) {
        let written = doc! { "value": value };
        prop_assert_eq!(read_document::<Document>(&written).expect("it is read"), written);
    }
}
