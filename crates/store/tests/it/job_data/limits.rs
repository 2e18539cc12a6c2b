//! Caps, deadlines and cancellation.

use std::time::Duration;

use ig_core::id::OrgId;
use ig_core::job::{AtCap, BsonStyle, FetchError, FetchLimits};
use ig_store::{JobQuery, MongoConfig, SecretSealer, SecretsConfig, Store};
use ig_testkit::eventually;
use mongodb::bson::doc;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::tap::Tap;
use super::{LIMITS, fetch, numbers, with_two_organisations};
use crate::stored::Stored;

/// A store whose server never runs an aggregation.
async fn behind_a_tap() -> (Stored, Tap, Store) {
    let stored = Stored::fresh().await;
    let hosts = stored.database.uri.trim_start_matches("mongodb://").split(['/', '?']).next();
    let tap = Tap::before(hosts.unwrap().parse().unwrap()).await;
    let tapped = MongoConfig {
        uri: format!("mongodb://{}/?directConnection=true", tap.address),
        database: stored.database.name.clone(),
        ..MongoConfig::default()
    };
    let keys = vec![SecretSealer::generate_key("test").unwrap()];
    let secrets = SecretSealer::new(&SecretsConfig { keys }).unwrap();
    let store = Store::connect(&tapped, secrets).await.unwrap();
    (stored, tap, store)
}

const QUERY: JobQuery<'static> = JobQuery {
    org: OrgId(7),
    unit: None,
    collection: "delivery_logs",
    pipeline: &[],
    style: BsonStyle::Plain,
};

/// Whether the sessions of all aggregations were ended on the server.
fn were_ended(tap: &Tap) -> bool {
    let ended: Vec<_> = tap
        .commands("killSessions")
        .iter()
        .flat_map(|kill| kill.get_array("killSessions").unwrap().clone())
        .collect();
    let aggregations = tap.commands("aggregate");
    !aggregations.is_empty()
        && aggregations
            .iter()
            .all(|command| ended.contains(command.get("lsid").unwrap()))
}

#[tokio::test]
async fn job_data_at_the_row_cap_is_refused_or_truncated() {
    let stored = with_two_organisations().await;
    let sorted = json!([{"$sort": {"n": 1}}]);
    let at = |rows, at_cap| FetchLimits { rows, at_cap, ..LIMITS };
    let exact = fetch(&stored, "delivery_logs", None, &sorted, &at(6, AtCap::Refuse))
        .await
        .unwrap();
    assert_eq!((exact.records.len(), exact.is_truncated), (6, false));
    let refused = fetch(&stored, "delivery_logs", None, &sorted, &at(5, AtCap::Refuse)).await;
    assert!(matches!(refused, Err(FetchError::TooLarge { rows: 5, .. })), "{refused:?}");
    let first = fetch(&stored, "delivery_logs", None, &sorted, &at(5, AtCap::Truncate))
        .await
        .unwrap();
    assert_eq!((numbers(&first.records), first.is_truncated), (vec![0, 1, 2, 3, 4], true));
}

#[tokio::test]
async fn job_data_at_the_byte_cap_is_refused_or_truncated() {
    let stored = with_two_organisations().await;
    let small = json!([{"$sort": {"n": 1}}, {"$project": {"_id": 0, "n": 1}}]);
    let at = |bytes, at_cap| FetchLimits { bytes, at_cap, ..LIMITS };
    // Each record is {"n":0}.
    let exact = fetch(&stored, "delivery_logs", None, &small, &at(42, AtCap::Refuse))
        .await
        .unwrap();
    assert_eq!(exact.records.len(), 6);
    let refused = fetch(&stored, "delivery_logs", None, &small, &at(41, AtCap::Refuse)).await;
    assert!(matches!(refused, Err(FetchError::TooLarge { bytes: 41, .. })), "{refused:?}");
    let first = fetch(&stored, "delivery_logs", None, &small, &at(41, AtCap::Truncate))
        .await
        .unwrap();
    assert_eq!((first.records.len(), first.is_truncated), (5, true));
}

#[tokio::test]
async fn job_data_ends_at_its_deadline_here_and_on_the_server() {
    let (_stored, tap, store) = behind_a_tap().await;
    let deadline = Duration::from_millis(300);
    let limits = FetchLimits { deadline, ..LIMITS };
    let found = store.job_data().aggregate(&QUERY, &limits, &CancellationToken::new()).await;
    assert_eq!(found, Err(FetchError::TimedOut(deadline)));
    assert!(were_ended(&tap));
    let command = &tap.commands("aggregate")[0];
    let time = command
        .get_i32("maxTimeMS")
        .map_or_else(|_| command.get_i64("maxTimeMS").unwrap(), i64::from);
    assert!((1..=300).contains(&time), "{command}");
    assert!(!command.get_bool("allowDiskUse").unwrap());
    assert_eq!(
        command.get_document("$readPreference").unwrap(),
        &doc! { "mode": "secondaryPreferred" }
    );
}

#[tokio::test]
async fn job_data_without_time_asks_nothing_of_the_server() {
    let (_stored, tap, store) = behind_a_tap().await;
    let limits = FetchLimits {
        deadline: Duration::ZERO,
        ..LIMITS
    };
    let found = store.job_data().aggregate(&QUERY, &limits, &CancellationToken::new()).await;
    assert_eq!(found, Err(FetchError::TimedOut(Duration::ZERO)));
    assert!(tap.commands("aggregate").is_empty());
}

#[tokio::test]
async fn job_data_ends_when_it_is_cancelled_here_and_on_the_server() {
    let (_stored, tap, store) = behind_a_tap().await;
    let cancel = CancellationToken::new();
    let data = store.job_data();
    let later = async {
        eventually("the server is asked", async || !tap.commands("aggregate").is_empty()).await;
        cancel.cancel();
    };
    let (found, ()) = tokio::join!(data.aggregate(&QUERY, &LIMITS, &cancel), later);
    assert_eq!(found, Err(FetchError::Cancelled));
    assert!(were_ended(&tap));
    let found = data.aggregate(&QUERY, &LIMITS, &cancel).await;
    assert_eq!(found, Err(FetchError::Cancelled));
    assert_eq!(tap.commands("aggregate").len(), 1, "a cancelled fetch does not begin");
}
