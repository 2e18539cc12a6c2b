//! Pipelines that run, with the right rows.

use ig_core::job::{FilledValue, Variable, fill_pipeline};
use serde_json::{Value, json};

use super::{FOREIGN, aggregate, with_two_organisations};

/// A pipeline, and the records that it returns for the organisation 7.
fn allowed() -> Vec<(Value, Value)> {
    let only_n = json!({"$project": {"_id": 0, "n": 1}});
    let by_n = json!({"$sort": {"n": 1}});
    let ns = |numbers: &[i64]| numbers.iter().map(|n| json!({ "n": n })).collect::<Value>();
    vec![
        (json!([by_n, only_n]), ns(&[0, 1, 2, 3, 4, 5])),
        (json!([{"$match": {"status": "FAILED"}}, by_n, only_n]), ns(&[0, 3])),
        (json!([{"$match": {"n": {"$gte": 2, "$lt": 4}}}, by_n, only_n]), ns(&[2, 3])),
        (json!([{"$match": {"n": {"$in": [1, 5, 11]}}}, by_n, only_n]), ns(&[1, 5])),
        (json!([{"$match": {"$expr": {"$gt": ["$n", 4]}}}, only_n]), ns(&[5])),
        (json!([{"$match": {"owner": {"$regex": "^ours$"}, "n": 1}}, only_n]), ns(&[1])),
        (
            json!([{"$match": {"createdAt": {"$gte": {"$date": "2026-02-02T07:10:00+00:00"}}}}, by_n, only_n]),
            ns(&[5]),
        ),
        (json!([{"$match": {"nested.list.n": 4}}, only_n]), ns(&[4])),
        (json!([{"$match": {"tags": "ours", "n": 0}}, only_n]), ns(&[0])),
        (
            json!([{"$sort": {"n": -1}}, {"$skip": 1}, {"$limit": 2}, only_n]),
            ns(&[4, 3]),
        ),
        (json!([{"$count": "all"}]), json!([{"all": 6}])),
        (
            json!([{"$group": {"_id": null, "n": {"$sum": "$n"}}}]),
            json!([{"_id": null, "n": 15}]),
        ),
        (
            json!([{"$group": {"_id": "$status", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]),
            json!([{"_id": "FAILED", "n": 2}, {"_id": "SUCCESS", "n": 4}]),
        ),
        (
            json!([{"$sortByCount": "$status"}]),
            json!([{"_id": "SUCCESS", "count": 4}, {"_id": "FAILED", "count": 2}]),
        ),
        (
            json!([{"$match": {"n": 1}}, {"$unwind": "$tags"}, {"$project": {"_id": 0, "tags": 1}}]),
            json!([{"tags": "a"}, {"tags": "ours"}]),
        ),
        (
            json!([{"$match": {"n": 1}}, {"$addFields": {"m": {"$add": ["$n", 1]}}}, {"$project": {"_id": 0, "m": 1}}]),
            json!([{"m": 2}]),
        ),
        (json!([{"$match": {"n": 3}}, {"$set": {"n": 9}}, only_n]), ns(&[9])),
        (
            json!([{"$match": {"n": 1}}, {"$unset": ["_id", "tags", "nested", "createdAt", "eventId", "code", "originalPayload", "redelivery"]}]),
            json!([{"orgId": 7, "entityRid": 7, "n": 1, "status": "SUCCESS", "owner": "ours"}]),
        ),
        (
            json!([{"$match": {"n": 2}}, {"$replaceRoot": {"newRoot": "$nested"}}]),
            json!([{"owner": "ours", "list": [{"n": 2}]}]),
        ),
        (json!([{"$match": {"n": 2}}, {"$replaceWith": {"n": "$n"}}]), ns(&[2])),
        (
            json!([{"$bucket": {"groupBy": "$n", "boundaries": [0, 2, 6], "default": "none", "output": {"n": {"$sum": 1}}}}]),
            json!([{"_id": 0, "n": 2}, {"_id": 2, "n": 4}]),
        ),
        (
            json!([{"$facet": {"all": [{"$count": "n"}], "last": [{"$sort": {"n": -1}}, {"$limit": 1}, only_n]}}]),
            json!([{"all": [{"n": 6}], "last": [{"n": 5}]}]),
        ),
        (json!([{"$sample": {"size": 100}}, {"$count": "n"}]), ns(&[6])),
    ]
}

/// Attempts to reach other rows: they run, and find nothing of others.
fn reaching() -> Vec<(Value, Value)> {
    let only_n = json!({"$project": {"_id": 0, "n": 1}});
    let ns = |numbers: &[i64]| numbers.iter().map(|n| json!({ "n": n })).collect::<Value>();
    vec![
        (json!([{"$match": {"orgId": 8}}, only_n]), json!([])),
        (
            json!([{"$match": {"$or": [{"orgId": 8}, {"orgId": 7, "n": 1}]}}, only_n]),
            ns(&[1]),
        ),
        (
            json!([{"$match": {"$or": [{"orgId": {"$ne": 7}}, {"orgId": {"$exists": false}}]}}]),
            json!([]),
        ),
        (json!([{"$match": {"$nor": [{"orgId": 7}]}}]), json!([])),
        (
            json!([{"$match": {"orgId": {"$in": [7, 8]}, "n": {"$gte": 5}}}, only_n]),
            ns(&[5]),
        ),
        (json!([{"$match": {"$expr": {"$ne": ["$orgId", 7]}}}]), json!([])),
        (
            json!([{"$set": {"orgId": 8}}, {"$match": {"orgId": 8}}, {"$count": "n"}]),
            ns(&[6]),
        ),
        (
            json!([{"$facet": {"a": [{"$match": {"orgId": 8}}], "b": [{"$count": "n"}]}}]),
            json!([{"a": [], "b": [{"n": 6}]}]),
        ),
        (
            json!([{"$group": {"_id": "$orgId", "n": {"$sum": 1}}}]),
            json!([{"_id": 7, "n": 6}]),
        ),
        (json!([{"$match": {}}, {"$match": {"orgId": 8}}]), json!([])),
        (json!([{"$unset": "orgId"}, {"$count": "n"}]), ns(&[6])),
        (json!([{"$match": {"eventId": "shared"}}, {"$count": "n"}]), ns(&[6])),
        // These values cannot be read as numbers in rows of others, so a condition that was tried there would fail.
        (
            json!([{"$match": {"eventId": "shared", "$or": [{"$expr": {"$gt": [{"$toInt": "$code"}, 4]}}]}}, {"$count": "n"}]),
            ns(&[6]),
        ),
        (
            json!([{"$match": {"$expr": {"$eq": [{"$toInt": "$code"}, 5]}, "eventId": "shared"}}, {"$count": "n"}]),
            ns(&[6]),
        ),
        (
            json!([{"$match": {"owner": FOREIGN, "$expr": {"$eq": [{"$toInt": "$code"}, 5]}}}, {"$count": "n"}]),
            json!([]),
        ),
    ]
}

#[tokio::test]
async fn job_data_returns_the_rows_of_one_organisation() {
    let stored = with_two_organisations().await;
    let mut wrong = Vec::new();
    for (pipeline, expected) in allowed().into_iter().chain(reaching()) {
        let found = aggregate(&stored, &pipeline).await.map(Value::from);
        let leaks = format!("{found:?}").contains(FOREIGN) && !pipeline.to_string().contains(FOREIGN);
        assert!(!leaks, "{pipeline}: {found:?}");
        if found.as_ref() != Ok(&expected) {
            wrong.push(format!("{pipeline}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn job_data_matches_filled_variables() {
    let stored = with_two_organisations().await;
    let pipeline = json!([
        {"$match": {"entityRid": "{{config.tenantId}}", "createdAt": {"$gte": {"$date": "{{date.todayStart()}}"}}}},
        {"$sort": {"n": 1}}, {"$project": {"_id": 0, "n": 1}},
    ]);
    let filled = fill_pipeline(&pipeline, &mut |variable| {
        Ok(match variable {
            Variable::TenantId => FilledValue::Integer(70),
            _ => FilledValue::Text("2026-02-02T10:10:00+05:30".to_owned()),
        })
    });
    let found = aggregate(&stored, &filled.unwrap()).await.unwrap();
    assert_eq!(found, [json!({"n": 2}), json!({"n": 4})]);
}
