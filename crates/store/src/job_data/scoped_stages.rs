//! A tenant's stages behind those that select the tenant's rows.

use ig_core::job::{FetchError, FetchLimits};
use mongodb::bson::{Bson, Document, doc};
use serde_json::Value;

use super::JobQuery;
use super::readable_collection::ReadableCollection;

/// More rows than any collection has.
const UNREACHED_LIMIT: i64 = 1_000_000_000_000;
/// Comparisons with constants, which fail on no value.
const COMPARISONS: [&str; 6] = ["$eq", "$gt", "$gte", "$lt", "$lte", "$in"];

/// The stages to run.
pub(super) fn build(
    collection: &ReadableCollection,
    query: &JobQuery<'_>,
    limits: &FetchLimits,
) -> Result<Vec<Document>, FetchError> {
    let theirs = query.pipeline.iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    let mut selection = selection(collection, query)?;
    if let Some(first) = theirs.first() {
        narrow(&mut selection, collection, first);
    }
    let mut stages = vec![doc! { "$match": selection }, doc! { "$limit": UNREACHED_LIMIT }];
    if !collection.hidden.is_empty() {
        stages.push(doc! { "$unset": collection.hidden });
    }
    stages.extend(theirs);
    stages.push(doc! { "$limit": limits.requested_rows() });
    Ok(stages)
}

/// Matches the rows that the job may read.
fn selection(collection: &ReadableCollection, query: &JobQuery<'_>) -> Result<Document, FetchError> {
    let mut selection = doc! { "orgId": query.org.0 };
    match (query.unit, collection.unit) {
        (None, _) => Ok(selection),
        (Some(unit), Some(field)) => {
            selection.insert(field, unit.0);
            Ok(selection)
        }
        (Some(_), None) => {
            let name = collection.name;
            Err(FetchError::Refused(format!(
                "A job of a unit may not read {name}, whose rows name no unit."
            )))
        }
    }
}

/// Repeats simple conditions of the tenant's first `$match` in ours, for the sake of indexes: behind a `$limit`, a server
/// reads every row that comes before. It changes no result, because the tenant's own stage follows.
fn narrow(selection: &mut Document, collection: &ReadableCollection, first: &Document) {
    let conditions = first.get_document("$match").into_iter().flatten();
    for (field, condition) in conditions {
        let is_free = !field.starts_with('$') && !collection.hides(field) && !selection.contains_key(field);
        if is_free && is_simple(condition) {
            selection.insert(field, condition.clone());
        }
    }
}

fn is_simple(condition: &Bson) -> bool {
    let Bson::Document(comparisons) = condition else {
        return is_constant(condition);
    };
    let simple = |(name, value): (&String, &Bson)| match (name.as_str(), value) {
        ("$in", Bson::Array(items)) => items.iter().all(is_constant),
        (name, value) => name != "$in" && COMPARISONS.contains(&name) && is_constant(value),
    };
    !comparisons.is_empty() && comparisons.iter().all(simple)
}

fn is_constant(value: &Bson) -> bool {
    matches!(
        value,
        Bson::String(_)
            | Bson::Boolean(_)
            | Bson::Int32(_)
            | Bson::Int64(_)
            | Bson::Double(_)
            | Bson::Decimal128(_)
            | Bson::DateTime(_)
            | Bson::ObjectId(_)
    )
}

/// Reads one stage, which may use extended JSON.
fn stage(stage: &Value) -> Result<Document, FetchError> {
    match Bson::try_from(stage.clone()) {
        Ok(Bson::Document(stage)) => Ok(stage),
        Ok(_) => Err(FetchError::Refused(
            "A stage of the pipeline is a value of extended JSON.".to_owned(),
        )),
        Err(error) => Err(FetchError::Refused(format!(
            "A stage of the pipeline is not extended JSON: {error}."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ig_core::id::{OrgId, Rid};
    use ig_core::job::{AtCap, BsonStyle};
    use serde_json::json;

    use super::*;

    fn built(collection: &str, unit: Option<i64>, pipeline: &Value) -> Result<Vec<Document>, FetchError> {
        let query = JobQuery {
            org: OrgId(7),
            unit: unit.map(Rid),
            collection,
            pipeline: pipeline.as_array().unwrap(),
            style: BsonStyle::Plain,
        };
        let limits = FetchLimits {
            rows: 10,
            bytes: 1_000,
            deadline: Duration::from_secs(1),
            at_cap: AtCap::Refuse,
        };
        build(ReadableCollection::find(collection)?, &query, &limits)
    }

    #[test]
    fn stages_select_the_tenants_rows_before_anything_else() {
        let pipeline = json!([{"$match": {"orgId": 8, "$or": [{"orgId": 8}], "payload": "x", "status": {"$in": ["PENDING"]}}}]);
        let stages = built("scheduled_integrations", Some(9), &pipeline).unwrap();
        assert_eq!(
            stages[0],
            doc! { "$match": { "orgId": 7_i64, "tenantId": 9_i64, "status": { "$in": ["PENDING"] } } }
        );
        assert_eq!(stages[1], doc! { "$limit": UNREACHED_LIMIT });
        assert!(stages[2].get_array("$unset").unwrap().contains(&"payload".into()));
        assert_eq!(stages.last(), Some(&doc! { "$limit": 11_i64 }));
        assert_eq!(stages.len(), 5);
    }

    #[test]
    fn stages_repeat_only_conditions_that_cannot_fail() {
        let pipeline = json!([{"$match": {
            "a": 1, "b": {"$gte": {"$date": "2026-02-04T00:00:00Z"}}, "c": {"$in": [1, {"$oid": "65a1b2c3d4e5f60718293a4b"}]},
            "d": {"$regex": "(a+)+"}, "e": null, "f": {"$in": [null]}, "g": {"$not": {"$eq": 1}}, "h": {"$gt": 1, "$type": 2},
            "i": {"$eq": {"j": 1}}, "$expr": {"$eq": [1, 1]}, "signature": "x", "signature.k": 1, "l": {}, "m": {"$in": 5},
        }}]);
        let stages = built("delivery_logs", None, &pipeline).unwrap();
        let selection = stages[0].get_document("$match").unwrap();
        let fields: Vec<_> = selection.keys().map(String::as_str).collect();
        assert_eq!(fields, ["orgId", "a", "b", "c"]);
    }

    #[test]
    fn units_job_reads_no_rows_without_a_unit() {
        for collection in ["delivery_logs", "alert_center_logs", "execution_logs", "dlq_redrives"] {
            assert!(matches!(built(collection, Some(9), &json!([])), Err(FetchError::Refused(_))));
            assert!(built(collection, None, &json!([])).is_ok());
        }
    }
}
