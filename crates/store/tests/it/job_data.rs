//! Aggregations of jobs: the rows of one organisation, and never a row of another.

mod allowed;
mod limits;
mod refused;
mod tap;

use std::time::Duration;

use ig_core::id::{OrgId, Rid};
use ig_core::job::{AtCap, BsonStyle, FetchError, FetchLimits, Fetched};
use ig_store::JobQuery;
use mongodb::bson::{DateTime, Document, doc, oid::ObjectId};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::stored::Stored;

/// A text in every row of another organisation.
const FOREIGN: &str = "foreign-marker";

const LIMITS: FetchLimits = FetchLimits {
    rows: 100,
    bytes: 1_000_000,
    deadline: Duration::from_secs(30),
    at_cap: AtCap::Refuse,
};

/// Rows of the organisations 7 and 8, of which 7 has six and 8 has twelve.
async fn with_two_organisations() -> Stored {
    let stored = Stored::fresh().await;
    let database = stored.database.open().await;
    let rows: Vec<_> = (0..6)
        .map(|number| row(7, number))
        .chain((0..12).map(|number| row(8, number)))
        .collect();
    for collection in ["delivery_logs", "dlq", "event_audit", "scheduled_job_logs"] {
        let target = database.collection::<Document>(collection);
        let fresh = rows.iter().map(|row| {
            let mut row = row.clone();
            row.insert("_id", ObjectId::new());
            row
        });
        target.insert_many(fresh).await.unwrap();
    }
    stored
}

/// A row; even numbers are of the unit 70 or 80, odd ones of the organisation itself.
fn row(org: i64, number: i64) -> Document {
    let unit = if number % 2 == 0 { org * 10 } else { org };
    let owner = if org == 7 { "ours" } else { FOREIGN };
    doc! {
        "orgId": org, "entityRid": unit, "n": number, "status": if number % 3 == 0 { "FAILED" } else { "SUCCESS" },
        "eventId": "shared", "owner": owner, "code": if org == 7 { "5".to_owned() } else { format!("{FOREIGN}-code") },
        "tags": ["a", owner], "nested": { "owner": owner, "list": [{ "n": number }] },
        "signature": format!("{owner}-signature"), "originalPayload": format!("{owner}-payload"),
        "redelivery": { "claimId": format!("{owner}-claim") },
        "createdAt": DateTime::from_millis(1_770_000_000_000 + number * 3_600_000),
    }
}

async fn aggregate_in(stored: &Stored, collection: &str, unit: Option<i64>, pipeline: &Value) -> Result<Fetched, FetchError> {
    fetch(stored, collection, unit, pipeline, &LIMITS).await
}

async fn fetch(
    stored: &Stored,
    collection: &str,
    unit: Option<i64>,
    pipeline: &Value,
    limits: &FetchLimits,
) -> Result<Fetched, FetchError> {
    let query = JobQuery {
        org: OrgId(7),
        unit: unit.map(Rid),
        collection,
        pipeline: pipeline.as_array().expect("a list"),
        style: BsonStyle::Plain,
    };
    stored
        .store
        .job_data()
        .aggregate(&query, limits, &CancellationToken::new())
        .await
}

/// The records of a pipeline over delivery logs.
async fn aggregate(stored: &Stored, pipeline: &Value) -> Result<Vec<Value>, FetchError> {
    let fetched = aggregate_in(stored, "delivery_logs", None, pipeline).await?;
    Ok(fetched.records)
}

fn numbers(records: &[Value]) -> Vec<i64> {
    records.iter().map(|record| record["n"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn job_data_of_a_unit_is_of_that_unit_alone() {
    let stored = with_two_organisations().await;
    let sorted = json!([{"$sort": {"n": 1}}]);
    for collection in ["dlq", "event_audit"] {
        let of = async |unit| aggregate_in(&stored, collection, unit, &sorted).await.unwrap().records;
        assert_eq!(numbers(&of(Some(70)).await), [0, 2, 4]);
        assert_eq!(numbers(&of(Some(7)).await), [1, 3, 5]);
        assert_eq!(numbers(&of(None).await), [0, 1, 2, 3, 4, 5]);
        assert_eq!(of(Some(80)).await, Vec::<Value>::new(), "a unit of another organisation");
    }
    let refused = aggregate_in(&stored, "delivery_logs", Some(70), &sorted).await;
    assert!(matches!(refused, Err(FetchError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn job_data_lacks_hidden_fields_however_they_are_asked_for() {
    let stored = with_two_organisations().await;
    for pipeline in [
        json!([]),
        json!([{"$project": {"a": "$originalPayload", "b": "$redelivery.claimId", "c": "$$ROOT", "n": 1}}]),
        json!([{"$replaceRoot": {"newRoot": {"all": "$$ROOT", "n": "$n"}}}]),
        json!([{"$group": {"_id": "$redelivery", "all": {"$push": "$$ROOT"}, "first": {"$first": "$originalPayload"}}}]),
        json!([{"$project": {"all": {"$objectToArray": "$$ROOT"}}}]),
        json!([{"$addFields": {"copy": "$originalPayload"}}]),
        json!([{"$facet": {"a": [{"$project": {"x": "$originalPayload"}}], "b": [{"$limit": 1}]}}]),
    ] {
        let fetched = aggregate_in(&stored, "dlq", None, &pipeline).await.unwrap();
        let text = json!(fetched.records).to_string();
        assert!(!text.contains("-payload") && !text.contains("-claim"), "{pipeline}: {text}");
        assert!(!fetched.records.is_empty(), "{pipeline}");
    }
    let matching = json!([{"$match": {"originalPayload": "ours-payload"}}]);
    assert!(
        aggregate_in(&stored, "dlq", None, &matching)
            .await
            .unwrap()
            .records
            .is_empty()
    );
}

#[tokio::test]
async fn job_data_in_plain_and_extended_form() {
    let stored = with_two_organisations().await;
    let pipeline = json!([{"$match": {"n": 2}}, {"$project": {"_id": 0, "n": 1, "createdAt": 1}}]);
    let of = async |style| {
        let query = JobQuery {
            org: OrgId(7),
            unit: None,
            collection: "delivery_logs",
            pipeline: pipeline.as_array().unwrap(),
            style,
        };
        let fetched = stored
            .store
            .job_data()
            .aggregate(&query, &LIMITS, &CancellationToken::new())
            .await;
        fetched.unwrap().records
    };
    let plain = json!({"n": 2, "createdAt": "2026-02-02T04:40:00.000Z"});
    assert_eq!(of(BsonStyle::Plain).await, [plain]);
    let extended = json!({"n": {"$numberLong": "2"}, "createdAt": {"$date": {"$numberLong": "1770007200000"}}});
    assert_eq!(of(BsonStyle::Extended).await, [extended]);
}
