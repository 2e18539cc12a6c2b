//! Pipelines and collections that are refused before the database sees them.

use ig_core::job::FetchError;
use serde_json::{Value, json};

use super::{aggregate_in, with_two_organisations};

fn refused() -> Vec<Value> {
    let lookup = json!({"$lookup": {"from": "users", "localField": "a", "foreignField": "b", "as": "c"}});
    vec![
        json!([lookup]),
        json!([{"$match": {}}, lookup]),
        json!([{"$lookup": {"from": "delivery_logs", "pipeline": [], "as": "c"}}]),
        json!([{"$lookup": {"pipeline": [{"$documents": [{"a": 1}]}], "as": "c"}}]),
        json!([{"$graphLookup": {"from": "users", "startWith": "$a", "connectFromField": "a", "connectToField": "b", "as": "c"}}]),
        json!([{"$unionWith": "users"}]),
        json!([{"$unionWith": {"coll": "delivery_logs", "pipeline": []}}]),
        json!([{"$facet": {"a": [lookup]}}]),
        json!([{"$facet": {"a": [{"$limit": 1}], "b": [{"$unionWith": "users"}]}}]),
        json!([{"$facet": {"a": [{"$facet": {"b": [lookup]}}]}}]),
        json!([{"$facet": {"a": [{"$out": "x"}]}}]),
        json!([{"$out": "users"}]),
        json!([{"$out": {"db": "admin", "coll": "x"}}]),
        json!([{"$merge": "users"}]),
        json!([{"$merge": {"into": {"db": "admin", "coll": "x"}}}]),
        json!([[{"$out": "users"}]]),
        json!([{"$match": {"a": [{"$out": "users"}]}}]),
        json!([{"$project": {"a": {"$literal": {"$merge": "users"}}}}]),
        json!([{"$match": {"$where": "sleep(10000)"}}]),
        json!([{"$match": {"$and": [{"$or": [{"$where": "1"}]}]}}]),
        json!([{"$match": {"a": {"$elemMatch": {"$where": "1"}}}}]),
        json!([{"$match": {"$where": {"$code": "1"}}}]),
        json!([{"$match": {"$expr": {"$function": {"body": "function() {}", "args": [], "lang": "js"}}}}]),
        json!([{"$project": {"x": [{"$function": {"body": "", "args": [], "lang": "js"}}]}}]),
        json!([{"$set": {"x": {"$cond": [true, {"$function": {}}, 1]}}}]),
        json!([{"$group": {"_id": null, "x": {"$accumulator": {"init": "", "accumulate": "", "lang": "js"}}}}]),
        json!([{"$bucket": {"groupBy": "$n", "boundaries": [0, 1], "output": {"x": {"$accumulator": {}}}}}]),
        json!([{"$setWindowFields": {"output": {"x": {"$accumulator": {}}}}}]),
        json!([{"$redact": {"$function": {}}}]),
        json!([{"$currentOp": {"allUsers": true}}]),
        json!([{"$listSessions": {"allUsers": true}}]),
        json!([{"$listLocalSessions": {}}]),
        json!([{"$collStats": {"storageStats": {}}}]),
        json!([{"$indexStats": {}}]),
        json!([{"$planCacheStats": {}}]),
        json!([{"$changeStream": {}}]),
        json!([{"$documents": [{"a": 1}]}]),
        json!([{"$geoNear": {"near": [0, 0], "distanceField": "d"}}]),
        json!([{"$search": {"text": {"query": "x", "path": "y"}}}]),
        json!([{"$densify": {"field": "n", "range": {"step": 1, "bounds": [0, 1_000_000_000]}}}]),
        json!([{"$_internalInhibitOptimization": {}}]),
        json!([{"$match": {"$_internalExprEq": 1}}]),
        json!([{"$project": {"roles": "$$USER_ROLES"}}]),
        json!([{"$redact": {"$cond": [{"$in": ["$$USER_ROLES.role", ["a"]]}, "$$KEEP", "$$PRUNE"]}}]),
        json!([{"$match": {}, "$out": "x"}]),
        json!([{"$OUT": "x"}]),
        json!([{"match": {}}]),
        json!([{}]),
        json!(["$match"]),
        json!([null]),
        json!([{"$match": {"a\u{0}b": 1}}]),
        json!([{"$match": {"n": {"$date": "never"}}}]),
        json!([{"$match": {"n": {"$oid": "short"}}}]),
        Value::Array(vec![json!({"$limit": 1}); 51]),
    ]
}

#[tokio::test]
async fn job_data_refuses_pipelines_that_reach_further() {
    let stored = with_two_organisations().await;
    let before = stored.database.everything().await.len();
    for pipeline in refused() {
        let found = aggregate_in(&stored, "delivery_logs", None, &pipeline).await;
        assert!(matches!(found, Err(FetchError::Refused(_))), "{pipeline}: {found:?}");
    }
    assert_eq!(stored.database.everything().await.len(), before);
}

#[tokio::test]
async fn job_data_refuses_collections_that_are_not_listed() {
    let stored = with_two_organisations().await;
    for collection in [
        "users",
        "api_keys",
        "sessions",
        "audit_logs",
        "integration_configs",
        "config_versions",
        "organizations",
        "pushed_events",
        "lookups",
        "counters",
        "system.users",
        "delivery_logs\u{0}",
        "$cmd.aggregate",
        "",
    ] {
        let found = aggregate_in(&stored, collection, None, &json!([])).await;
        assert!(matches!(found, Err(FetchError::Refused(_))), "{collection}: {found:?}");
    }
}
