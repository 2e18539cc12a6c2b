//! Every type of BSON, in both forms.

use ig_core::job::BsonStyle;
use ig_core::secret::Secret;
use ig_sources::ExternalQuery;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, Regex, Timestamp, Uuid, doc, oid::ObjectId};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{LIMITS, TestGuard, external, server};

/// A value, its plain form and its extended form.
fn values() -> Vec<(Bson, Value, Value)> {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let oid = "65a1b2c3d4e5f60718293a4b";
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    let decimal = "1234567890.123456789012345678901234";
    let binary = |subtype, bytes: &[u8]| {
        Bson::Binary(Binary {
            subtype,
            bytes: bytes.to_vec(),
        })
    };
    vec![
        (Bson::Double(0.1), number("0.1"), json!({"$numberDouble": "0.1"})),
        (Bson::Double(5.0), number("5.0"), json!({"$numberDouble": "5.0"})),
        (Bson::Double(f64::NAN), json!("NaN"), json!({"$numberDouble": "NaN"})),
        (
            Bson::Double(f64::INFINITY),
            json!("Infinity"),
            json!({"$numberDouble": "Infinity"}),
        ),
        (Bson::String("Zoë".to_owned()), json!("Zoë"), json!("Zoë")),
        (
            Bson::Document(doc! { "a": 1 }),
            json!({"a": 1}),
            json!({"a": {"$numberInt": "1"}}),
        ),
        (
            Bson::Array(vec![1.into(), Bson::Null]),
            json!([1, null]),
            json!([{"$numberInt": "1"}, null]),
        ),
        (
            binary(BinarySubtype::Generic, &[1, 2, 3]),
            json!("AQID"),
            json!({"$binary": {"base64": "AQID", "subType": "00"}}),
        ),
        (
            Bson::from(Uuid::parse_str(uuid).unwrap()),
            json!(uuid),
            json!({"$binary": {"base64": "ASNFZ4mrze8BI0VniavN7w==", "subType": "04"}}),
        ),
        (
            Bson::ObjectId(ObjectId::parse_str(oid).unwrap()),
            json!(oid),
            json!({ "$oid": oid }),
        ),
        (Bson::Boolean(true), json!(true), json!(true)),
        (
            Bson::DateTime(DateTime::from_millis(1_770_007_200_001)),
            json!("2026-02-02T04:40:00.001Z"),
            json!({"$date": {"$numberLong": "1770007200001"}}),
        ),
        (Bson::Null, json!(null), json!(null)),
        (
            Bson::RegularExpression(Regex {
                pattern: "^a".try_into().unwrap(),
                options: "i".try_into().unwrap(),
            }),
            json!("/^a/i"),
            json!({"$regularExpression": {"pattern": "^a", "options": "i"}}),
        ),
        (Bson::JavaScriptCode("f()".to_owned()), json!("f()"), json!({"$code": "f()"})),
        (
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope {
                code: "f()".to_owned(),
                scope: doc! { "a": 1 },
            }),
            json!({"$code": "f()", "$scope": {"a": 1}}),
            json!({"$code": "f()", "$scope": {"a": {"$numberInt": "1"}}}),
        ),
        (Bson::Int32(-7), json!(-7), json!({"$numberInt": "-7"})),
        (
            Bson::Timestamp(Timestamp { time: 5, increment: 1 }),
            json!({"t": 5, "i": 1}),
            json!({"$timestamp": {"t": 5, "i": 1}}),
        ),
        (
            Bson::Int64(i64::MAX),
            json!(i64::MAX),
            json!({"$numberLong": i64::MAX.to_string()}),
        ),
        (
            Bson::Decimal128(decimal.parse().unwrap()),
            number(decimal),
            json!({"$numberDecimal": decimal}),
        ),
        (Bson::Symbol("s".to_owned()), json!("s"), json!({"$symbol": "s"})),
        (Bson::Undefined, json!(null), json!({"$undefined": true})),
        (Bson::MinKey, json!("MinKey"), json!({"$minKey": 1})),
        (Bson::MaxKey, json!("MaxKey"), json!({"$maxKey": 1})),
    ]
}

#[tokio::test]
async fn external_mongo_returns_every_type_of_bson_without_loss() {
    let database = ig_testkit::mongo::database();
    let collection = database.open().await.collection::<Document>("rows");
    for (number, (value, _, _)) in (0_i32..).zip(values()) {
        let row = doc! { "_id": number, "v": value.clone() };
        collection
            .insert_one(row)
            .await
            .unwrap_or_else(|error| panic!("{value:?}: {error}"));
    }
    let guard = TestGuard::leading_to(server(&database));
    let pipeline = [json!({"$sort": {"_id": 1}}), json!({"$project": {"_id": 0, "v": 1}})];
    for style in [BsonStyle::Plain, BsonStyle::Extended] {
        let query = ExternalQuery {
            connection: &Secret::new("mongodb://db.example/"),
            database: &database.name,
            collection: "rows",
            pipeline: &pipeline,
            style,
        };
        let found = external()
            .fetch(&query, &guard, &LIMITS, &CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(found.records.len(), values().len());
        for (record, (value, plain, extended)) in found.records.iter().zip(values()) {
            let expected = if style == BsonStyle::Plain { plain } else { extended };
            assert_eq!(record["v"], expected, "{value:?}");
        }
    }
}
