//! Caps, deadlines, cancellation, and what is left behind.

use std::time::Duration;

use ig_core::job::{AtCap, BsonStyle, FetchError, FetchLimits};
use ig_core::secret::Secret;
use ig_sources::ExternalQuery;
use ig_testkit::eventually;
use mongodb::bson::doc;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::tap::Tap;
use super::{LIMITS, TestGuard, external, fetch, server, with_rows};

#[tokio::test]
async fn external_mongo_at_a_cap_is_refused_or_truncated() {
    let database = with_rows(300).await;
    let guard = TestGuard::leading_to(server(&database));
    let pipeline = json!([{"$sort": {"n": 1}}, {"$project": {"_id": 0}}]);
    let at = |rows, bytes, at_cap| FetchLimits {
        rows,
        bytes,
        at_cap,
        ..LIMITS
    };
    let exact = fetch(&database, &pipeline, &guard, &at(300, 10_000, AtCap::Refuse))
        .await
        .unwrap();
    assert_eq!((exact.records.len(), exact.is_truncated), (300, false));
    for (rows, bytes, first) in [(299, 10_000, 299), (10, 10_000, 10), (300, 700, 88)] {
        let refused = fetch(&database, &pipeline, &guard, &at(rows, bytes, AtCap::Refuse)).await;
        assert_eq!(refused, Err(FetchError::TooLarge { rows, bytes }));
        let cut = fetch(&database, &pipeline, &guard, &at(rows, bytes, AtCap::Truncate))
            .await
            .unwrap();
        assert_eq!((cut.records.len(), cut.is_truncated), (first, true));
    }
}

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
async fn external_mongo_ends_at_its_deadline_here_and_on_the_server() {
    let database = with_rows(3).await;
    let tap = Tap::before(server(&database)).await;
    let guard = TestGuard::leading_to(tap.address);
    let deadline = Duration::from_millis(1_500);
    let limits = FetchLimits { deadline, ..LIMITS };
    let found = fetch(&database, &json!([]), &guard, &limits).await;
    assert_eq!(found, Err(FetchError::TimedOut(deadline)));
    assert!(were_ended(&tap));
    let command = &tap.commands("aggregate")[0];
    let time = command
        .get_i32("maxTimeMS")
        .map_or_else(|_| command.get_i64("maxTimeMS").unwrap(), i64::from);
    assert!((1..=1_500).contains(&time), "{command}");
    assert!(!command.get_bool("allowDiskUse").unwrap());
    assert_eq!(
        command.get_document("$readPreference").unwrap(),
        &doc! { "mode": "secondaryPreferred" }
    );
}

#[tokio::test]
async fn external_mongo_ends_when_it_is_cancelled_here_and_on_the_server() {
    let database = with_rows(3).await;
    let tap = Tap::before(server(&database)).await;
    let guard = TestGuard::leading_to(tap.address);
    let query = ExternalQuery {
        connection: &Secret::new("mongodb://db.example/"),
        database: &database.name,
        collection: "rows",
        pipeline: &[],
        style: BsonStyle::Plain,
    };
    let cancel = CancellationToken::new();
    let external = external();
    let fetching = external.fetch(&query, &guard, &LIMITS, &cancel);
    let later = async {
        eventually("the server is asked", async || !tap.commands("aggregate").is_empty()).await;
        cancel.cancel();
    };
    let (found, ()) = tokio::join!(fetching, later);
    assert_eq!(found, Err(FetchError::Cancelled));
    assert!(were_ended(&tap));
    let asked = guard.asked().len();
    let found = external.fetch(&query, &guard, &LIMITS, &cancel).await;
    assert_eq!(
        (found, guard.asked().len()),
        (Err(FetchError::Cancelled), asked),
        "a cancelled fetch does not begin"
    );
}

#[tokio::test]
async fn external_mongo_reports_what_the_server_refuses() {
    let database = with_rows(3).await;
    let guard = TestGuard::leading_to(server(&database));
    let found = fetch(
        &database,
        &json!([{"$project": {"x": {"$noSuchOperator": 1}}}]),
        &guard,
        &LIMITS,
    )
    .await;
    let Err(FetchError::Refused(message)) = found else {
        panic!("{found:?}");
    };
    assert!(message.contains("noSuchOperator"), "{message}");
}
