//! Pipelines that are refused before anything is connected to, and some that a tenant's own database runs.

use ig_core::job::FetchError;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use super::{LIMITS, TestGuard, fetch, server, with_rows};

fn refused() -> Vec<Value> {
    vec![
        json!([{"$out": "x"}]),
        json!([{"$merge": {"into": "x"}}]),
        json!([{"$facet": {"a": [{"$out": "x"}]}}]),
        json!([{"$lookup": {"from": "rows", "pipeline": [{"$merge": "x"}], "as": "a"}}]),
        json!([{"$lookup": {"from": "rows", "pipeline": [{"$currentOp": {}}], "as": "a"}}]),
        json!([{"$unionWith": {"coll": "rows", "pipeline": [{"$out": "x"}]}}]),
        json!([{"$match": {"$where": "1"}}]),
        json!([{"$match": {"$expr": {"$function": {"body": "", "args": [], "lang": "js"}}}}]),
        json!([{"$group": {"_id": null, "x": {"$accumulator": {}}}}]),
        json!([{"$match": {"a": [[{"$out": "x"}]]}}]),
        json!([{"$currentOp": {"allUsers": true}}]),
        json!([{"$listSessions": {}}]),
        json!([{"$listLocalSessions": {}}]),
        json!([{"$changeStream": {}}]),
        json!([{"$planCacheStats": {}}]),
        json!([{"$queryStats": {}}]),
        json!([{"$shardedDataDistribution": {}}]),
        json!([{"$_internalInhibitOptimization": {}}]),
        json!([{"$unknownStage": {}}]),
        json!([{"$match": {}, "$limit": 1}]),
        json!([5]),
    ]
}

#[tokio::test]
async fn external_mongo_refuses_pipelines_that_write_run_code_or_read_the_server() {
    let database = with_rows(1).await;
    let guard = TestGuard::leading_to(server(&database));
    for pipeline in refused() {
        let found = fetch(&database, &pipeline, &guard, &LIMITS).await;
        assert!(matches!(found, Err(FetchError::Refused(_))), "{pipeline}: {found:?}");
    }
    assert!(guard.asked().is_empty());
}

#[tokio::test]
async fn external_mongo_reads_other_collections_of_the_tenants_database() {
    let database = with_rows(3).await;
    let names = database.open().await.collection::<Document>("names");
    names
        .insert_many((0..3).map(|n| doc! { "n": n, "name": format!("row {n}") }))
        .await
        .unwrap();
    let guard = TestGuard::leading_to(server(&database));
    let lookup = json!([
        {"$match": {"n": {"$gte": 1}}},
        {"$lookup": {"from": "names", "localField": "n", "foreignField": "n", "as": "found"}},
        {"$sort": {"n": 1}},
        {"$unwind": "$found"},
        {"$project": {"_id": 0, "n": 1, "name": "$found.name"}},
    ]);
    let found = fetch(&database, &lookup, &guard, &LIMITS).await.unwrap();
    assert_eq!(
        found.records,
        [json!({"n": 1, "name": "row 1"}), json!({"n": 2, "name": "row 2"})]
    );
}
