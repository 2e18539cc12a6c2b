//! The aggregation pipelines that a job may run.

use serde_json::{Number, Value};

use crate::fault::{Faults, InputPath};
use crate::integration::MAX_DEPTH;

mod fill;

pub use fill::{FilledValue, fill};

const MAX_STAGES: usize = 50;

/// Stages and operators that write, or run code of their own, wherever they appear.
const FORBIDDEN: [&str; 5] = ["$out", "$merge", "$where", "$function", "$accumulator"];

/// Names that begin like this belong to the server itself.
const INTERNAL_PREFIX: &str = "$_internal";

/// The variable with the roles of the database's user, who is the platform in its own database.
const USER_ROLES: &str = "$$USER_ROLES";

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

/// Further stages for the tenant's own database. None of them lists sessions, operations or other things of the whole
/// server, and none of them waits for changes.
const TENANT_STAGES: [&str; 12] = [
    "$lookup",
    "$graphLookup",
    "$unionWith",
    "$geoNear",
    "$densify",
    "$fill",
    "$documents",
    "$search",
    "$searchMeta",
    "$vectorSearch",
    "$collStats",
    "$indexStats",
];

/// The owner of the database that a pipeline runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseOwner {
    /// The platform's own database, which holds every tenant's rows.
    Platform,
    /// The tenant's database.
    Tenant,
}

impl DatabaseOwner {
    fn allows(self, stage: &str) -> bool {
        let is_tenant = self == Self::Tenant;
        ALLOWED_STAGES.contains(&stage) || is_tenant && TENANT_STAGES.contains(&stage)
    }

    fn refusal(self) -> &'static str {
        match self {
            Self::Platform => "is no stage that may run in the platform's own database",
            Self::Tenant => "is no stage that a job may run",
        }
    }
}

/// Everything that keeps a pipeline from running, by place.
pub fn check(pipeline: &[Value], owner: DatabaseOwner) -> Faults {
    let mut faults = check_configured(pipeline, owner);
    for (at, stage) in pipeline.iter().enumerate() {
        check_numbers(stage, &InputPath::new("").at(at), 0, &mut faults);
    }
    faults
}

/// Everything forbidden in a pipeline as configured, by place. Its numbers are checked before each run alone: stored jobs may have
/// numbers of any length, and would not be readable otherwise.
pub(super) fn check_configured(pipeline: &[Value], owner: DatabaseOwner) -> Faults {
    let mut faults = Faults::default();
    check_stages(pipeline, owner, &InputPath::new(""), 0, &mut faults);
    faults
}

fn check_stages(stages: &[Value], owner: DatabaseOwner, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if stages.len() > MAX_STAGES {
        faults.add_at(place, format!("must be at most {MAX_STAGES} stages"));
        return;
    }
    for (at, stage) in stages.iter().enumerate() {
        check_stage(stage, owner, &place.at(at), depth, faults);
    }
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
    if !FORBIDDEN.contains(&name.as_str()) && !owner.allows(name) {
        faults.add_at(&below, owner.refusal());
        return;
    }
    check_operators(stage, owner, place, depth, faults);
    check_inner_stages(name, content, owner, &below, depth, faults);
}

/// The pipelines inside a stage obey the same rules.
fn check_inner_stages(
    name: &str,
    content: &Value,
    owner: DatabaseOwner,
    place: &InputPath<'_>,
    depth: usize,
    faults: &mut Faults,
) {
    let inner: Vec<_> = match name {
        "$facet" => content.as_object().into_iter().flatten().collect(),
        "$lookup" | "$unionWith" => content
            .as_object()
            .and_then(|stage| stage.get_key_value("pipeline"))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    };
    for (name, stages) in inner {
        if let Some(stages) = stages.as_array() {
            check_stages(stages, owner, &place.field(name), depth + 1, faults);
        }
    }
}

fn check_operators(value: &Value, owner: DatabaseOwner, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if faults.is_full() {
        return;
    }
    if depth > MAX_DEPTH {
        faults.add_at(place, format!("must not nest deeper than {MAX_DEPTH}"));
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = place.field(name);
                match forbidden_name(name) {
                    Some(fault) => faults.add_at(&below, fault),
                    None => check_operators(value, owner, &below, depth + 1, faults),
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check_operators(item, owner, &place.at(at), depth + 1, faults);
            }
        }
        Value::String(text) if owner == DatabaseOwner::Platform && text.starts_with(USER_ROLES) => {
            faults.add_at(place, "must not read the roles of the database's user");
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_numbers(value: &Value, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if depth > MAX_DEPTH || faults.is_full() {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                check_numbers(value, &place.field(name), depth + 1, faults);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check_numbers(item, &place.at(at), depth + 1, faults);
            }
        }
        Value::Number(number) if !is_representable(number) => {
            faults.add_at(
                place,
                "has more digits than a number keeps: write {\"$numberDecimal\": \"…\"}",
            );
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn forbidden_name(name: &str) -> Option<&'static str> {
    if FORBIDDEN.contains(&name) || name.starts_with(INTERNAL_PREFIX) {
        Some("must not be used: a job reads, and runs no code in a database")
    } else if name.contains('\0') {
        Some("must not contain a NUL character")
    } else {
        None
    }
}

/// Whether MongoDB has a number type that holds this number: integers have 64 bits, and others are doubles.
fn is_representable(number: &Number) -> bool {
    let is_fraction = || number.to_string().contains(['.', 'e', 'E']);
    number.is_i64() || is_fraction() && number.as_f64().is_some_and(f64::is_finite)
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
        assert_eq!(
            places(&json!([{ "$facet": { "a": long } }]), DatabaseOwner::Tenant),
            ["/0/$facet/a"]
        );
        assert_eq!(places(&long, DatabaseOwner::Tenant), [""]);
        let deep = (0..60).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(places(&json!([{ "$match": deep }]), DatabaseOwner::Platform).len(), 1);
    }
    #[test]
    fn a_pipeline_reads_nothing_of_the_whole_server() {
        for stage in [
            "$currentOp",
            "$listSessions",
            "$listLocalSessions",
            "$listSampledQueries",
            "$listClusterCatalog",
            "$shardedDataDistribution",
            "$planCacheStats",
            "$queryStats",
            "$querySettings",
            "$changeStream",
            "$_internalInhibitOptimization",
        ] {
            for owner in [DatabaseOwner::Platform, DatabaseOwner::Tenant] {
                let inner = json!([{"$lookup": {"from": "a", "as": "b", "pipeline": [{ stage: {} }]}}]);
                assert_eq!(places(&json!([{ stage: {} }]), owner), [format!("/0/{stage}")]);
                assert!(!places(&inner, owner).is_empty(), "{stage} {owner:?}");
            }
        }
        let roles = json!([{"$project": {"roles": ["$$USER_ROLES.role"]}}]);
        assert_eq!(places(&roles, DatabaseOwner::Platform), ["/0/$project/roles/0"]);
        assert!(places(&roles, DatabaseOwner::Tenant).is_empty());
    }

    #[test]
    fn a_pipeline_inside_a_stage_obeys_the_same_rules() {
        let pipeline = json!([
            {"$lookup": {"from": "a", "as": "b", "pipeline": [{"$currentOp": {}}, {"$match": {"$where": "1"}}]}},
            {"$unionWith": {"coll": "a", "pipeline": [{"$facet": {"x": [{"$merge": "y"}]}}]}},
        ]);
        let found = places(&pipeline, DatabaseOwner::Tenant);
        for place in [
            "/0/$lookup/pipeline/0/$currentOp",
            "/0/$lookup/pipeline/1/$match/$where",
            "/1/$unionWith/pipeline/0/$facet/x/0/$merge",
        ] {
            assert!(found.contains(&place.to_owned()), "{place} in {found:?}");
        }
    }

    #[test]
    fn a_number_that_would_lose_digits_is_refused() {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for number in ["9223372036854775807", "-1", "0.5", "1e300"] {
            assert!(
                places(&parsed(&format!("[{{\"$limit\": {number}}}]")), DatabaseOwner::Tenant).is_empty(),
                "{number}"
            );
        }
        for number in ["9223372036854775808", "123456789012345678901234567890", "1e400"] {
            let found = places(
                &parsed(&format!("[{{\"$match\": {{\"a\": {number}}}}}]")),
                DatabaseOwner::Tenant,
            );
            assert_eq!(found, ["/0/$match/a"], "{number}");
        }
        let nul = json!([{"$match": {"a\0b": 1}}]);
        assert_eq!(places(&nul, DatabaseOwner::Tenant), ["/0/$match/a\0b"]);
    }
}
