//! The aggregation pipelines that a job may run.

use serde_json::Value;

use crate::fault::{Faults, InputPath};
use crate::integration::MAX_DEPTH;

const MAX_STAGES: usize = 50;

/// Stages and operators that write, or run code of their own, wherever they appear.
const FORBIDDEN: [&str; 5] = ["$out", "$merge", "$where", "$function", "$accumulator"];

/// Stages that work on their input and read no other collection.
const ALLOWED_STAGES: [&str; 20] = [
    "$match",
    "$project",
    "$group",
    "$sort",
    "$limit",
    "$skip",
    "$unwind",
    "$addFields",
    "$set",
    "$unset",
    "$count",
    "$replaceRoot",
    "$replaceWith",
    "$bucket",
    "$bucketAuto",
    "$sortByCount",
    "$facet",
    "$sample",
    "$redact",
    "$setWindowFields",
];

/// The owner of the database that a pipeline runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseOwner {
    /// The platform's own database, which holds every tenant's rows.
    Platform,
    /// The tenant's database.
    Tenant,
}

/// Everything forbidden in a pipeline, by place.
pub(super) fn check(pipeline: &[Value], owner: DatabaseOwner) -> Faults {
    let mut faults = Faults::default();
    if pipeline.len() > MAX_STAGES {
        faults.add("", format!("must be at most {MAX_STAGES} stages"));
        return faults;
    }
    for (at, stage) in pipeline.iter().enumerate() {
        check_stage(stage, owner, &InputPath::new("").at(at), 0, &mut faults);
    }
    faults
}

fn check_stage(stage: &Value, owner: DatabaseOwner, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if faults.is_full() {
        return;
    }
    let mut fields = stage.as_object().into_iter().flatten();
    let (Some((name, content)), None) = (fields.next(), fields.next()) else {
        faults.add_at(place, "must be one stage, such as {\"$match\": {…}}");
        return;
    };
    let below = place.field(name);
    if !name.starts_with('$') {
        faults.add_at(&below, "is no stage: the name of one begins with $");
        return;
    }
    if owner == DatabaseOwner::Platform && !FORBIDDEN.contains(&name.as_str()) && !ALLOWED_STAGES.contains(&name.as_str()) {
        faults.add_at(&below, "is no stage that may run in the platform's own database");
        return;
    }
    check_operators(stage, place, depth, faults);
    if name == "$facet" {
        let facets = content.as_object().into_iter().flatten();
        for (facet, stages) in facets {
            for (at, stage) in stages.as_array().into_iter().flatten().enumerate() {
                check_stage(stage, owner, &below.field(facet).at(at), depth + 1, faults);
            }
        }
    }
}

fn check_operators(value: &Value, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if depth > MAX_DEPTH {
        faults.add_at(place, format!("must not nest deeper than {MAX_DEPTH}"));
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = place.field(name);
                if FORBIDDEN.contains(&name.as_str()) {
                    faults.add_at(&below, "must not be used: a job reads, and runs no code in a database");
                } else {
                    check_operators(value, &below, depth + 1, faults);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check_operators(item, &place.at(at), depth + 1, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(pipeline: &Value, owner: DatabaseOwner) -> Vec<String> {
        let stages = pipeline.as_array().expect("a list");
        let faults = check(stages, owner);
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_pipeline_that_reads_its_own_rows_may_run() {
        let pipeline = json!([
            {"$match": {"status": "FAILED", "$expr": {"$gt": ["$attemptCount", 2]}}},
            {"$facet": {"by type": [{"$group": {"_id": "$eventType", "n": {"$sum": 1}}}, {"$sort": {"n": -1}}]}},
            {"$limit": 10},
        ]);
        assert!(places(&pipeline, DatabaseOwner::Platform).is_empty());
    }

    #[test]
    fn a_pipeline_that_writes_or_runs_code_is_refused() {
        let pipeline = json!([
            {"$match": {"$where": "sleep(1000)"}},
            {"$project": {"x": {"a": [{"$function": {"body": "", "args": [], "lang": "js"}}]}}},
            {"$group": {"_id": null, "x": {"$accumulator": {}}}},
            {"$merge": {"into": "users"}},
            {"$out": "users"},
            {"$facet": {"a": [{"$out": "users"}]}},
        ]);
        let expected = [
            "/0/$match/$where",
            "/1/$project/x/a/0/$function",
            "/2/$group/x/$accumulator",
            "/3/$merge",
            "/4/$out",
        ];
        for owner in [DatabaseOwner::Platform, DatabaseOwner::Tenant] {
            let found = places(&pipeline, owner);
            assert_eq!(&found[..5], expected, "{owner:?}");
            assert!(found[5..].iter().all(|place| place.starts_with("/5/$facet/a/0")) && found.len() > 5);
        }
    }

    #[test]
    fn a_pipeline_reads_other_collections_only_in_the_tenants_own_database() {
        let pipeline = json!([
            {"$lookup": {"from": "users", "localField": "a", "foreignField": "b", "as": "c"}},
            {"$unionWith": "users"},
            {"$facet": {"a": [{"$graphLookup": {}}]}},
            {"$collStats": {}},
        ]);
        assert!(places(&pipeline, DatabaseOwner::Tenant).is_empty());
        let found = places(&pipeline, DatabaseOwner::Platform);
        assert_eq!(
            found,
            ["/0/$lookup", "/1/$unionWith", "/2/$facet/a/0/$graphLookup", "/3/$collStats"]
        );
    }

    #[test]
    fn faults_of_a_malformed_pipeline_are_reported_by_place() {
        assert_eq!(
            places(
                &json!([{}, 5, {"$match": {}, "$limit": 1}, {"match": {}}]),
                DatabaseOwner::Platform
            ),
            ["/0", "/1", "/2", "/3/match"]
        );
        let long = json!(vec![json!({"$limit": 1}); 51]);
        assert_eq!(places(&long, DatabaseOwner::Tenant), [""]);
        let deep = (0..60).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(places(&json!([{ "$match": deep }]), DatabaseOwner::Platform).len(), 1);
    }
}
