//! Scheduled deliveries: on time, recurring, cancelled, and despite killed processes.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::{Answer, ReceivedRequest};
use ig_testkit::wait::{eventually, eventually_within};
use serde_json::{Value, json};

use crate::scheduled::Scheduled;
use crate::setup::ORG;

mod requests;

mod chaos;

const OTHER_ORG: i64 = 649;
const PATIENCE: Duration = Duration::from_secs(180);

fn delayed(config: &Value) -> Value {
    json!({"schedulingMode": "DELAYED", "schedulingConfig": config, "signing": {"enabled": true}})
}

fn recurring(config: &Value) -> Value {
    json!({"schedulingMode": "RECURRING", "schedulingConfig": config, "retryCount": 1})
}

fn in_seconds(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).to_rfc3339()
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).expect("a time")
}

fn ids(requests: &[ReceivedRequest]) -> Vec<String> {
    let ids = requests
        .iter()
        .map(|request| request.header("webhook-id").expect("it has an id"));
    ids.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn delayed_delivery_is_sent_on_time_and_visible_until_then() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let (url, config) = (system.receiver.url("/hook"), json!({"delaySeconds": 3}));
    let integration = api.integration(ORG, "visit", &url, delayed(&config)).await;
    system
        .queue
        .insert(QueueRow::new(ORG, "visit").json(&json!({"visit": 7})))
        .await;
    system.stands(&["PENDING"]).await;
    let row = system.rows().await.remove(0);
    assert_eq!(row["integrationConfigId"], integration.as_str());
    assert!(row.get("payload").is_none(), "no payloads in lists");
    let path = format!("/scheduled-integrations/{}?orgId={ORG}", row["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await["payload"], json!({"visit": 7}));

    let received = system.receiver.wait_for(1).await;
    let late = received[0].at - time(&row["scheduledFor"]);
    assert!(late >= TimeDelta::zero(), "not before its time: {late}");
    assert_eq!(received[0].json(), json!({"visit": 7}));
    assert_eq!(received[0].header("webhook-id"), row["messageId"].as_str());
    system.stands(&["COMPLETED"]).await;
    let log = api.get(&format!("/logs/{}?orgId={ORG}", row["id"].as_str().unwrap())).await;
    assert_eq!(
        (&log["triggerType"], &log["status"]),
        (&json!("SCHEDULED"), &json!("SUCCESS"))
    );
    let events = api.list(ORG, "events", "events", "&status=SCHEDULED").await;
    assert_eq!((events.len(), &events[0]["integrations"]), (1, &json!(1)));
    assert_eq!(system.receiver.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn recurring_delivery_completes_all_occurrences_although_one_fails() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    system.receiver.script("/hook", [Answer::status(200), Answer::status(500)]);
    let config = json!({"intervalMs": 1000, "maxOccurrences": 3});
    api.integration(ORG, "visit", &system.receiver.url("/hook"), recurring(&config))
        .await;
    system
        .queue
        .insert(QueueRow::new(ORG, "visit").json(&json!({"visit": 7})))
        .await;
    system.stands(&["COMPLETED", "FAILED", "COMPLETED"]).await;
    let rows = system.rows().await;
    for pair in rows.windows(2) {
        let apart = time(&pair[1]["scheduledFor"]) - time(&pair[0]["scheduledFor"]);
        assert_eq!(apart, TimeDelta::seconds(1));
    }
    let received = system.receiver.requests();
    assert_eq!(
        ids(&received).iter().collect::<BTreeSet<_>>().len(),
        3,
        "each is a message of its own"
    );
    for (request, row) in received.iter().zip(&rows) {
        assert!(request.at >= time(&row["scheduledFor"]));
        assert_eq!(request.header("webhook-id"), row["messageId"].as_str());
    }
    assert_eq!(rows[1]["recurringConfig"]["occurrence"], 2);
    let dead = api.list(ORG, "dlq", "entries", "").await;
    assert_eq!((dead.len(), &dead[0]["id"]), (1, &rows[1]["id"]), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_delivery_is_cancelled_or_replaced_by_a_later_event() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let cancel_on = json!([
        {"eventTypes": ["visit-cancelled"], "matchKeys": ["visit.id"]},
        {"eventTypes": ["visit-moved"], "matchKeys": ["visit.id"], "action": "RESCHEDULE"},
    ]);
    let config = json!({"at": "visit.at", "cancelOn": cancel_on});
    api.integration(ORG, "visit", &system.receiver.url("/visits"), delayed(&config))
        .await;
    let every = json!({"intervalMs": 1000, "cancelOn": cancel_on});
    api.integration(ORG, "stay", &system.receiver.url("/stays"), recurring(&every))
        .await;
    let event = |kind: &str, id: i64, at: String| QueueRow::new(ORG, kind).json(&json!({"visit": {"id": id, "at": at}}));
    let rows = [
        event("visit", 1, in_seconds(3_600)),
        event("visit", 2, in_seconds(3_600)),
        event("stay", 3, in_seconds(0)),
    ];
    system.queue.insert_many(rows).await;
    system.receiver.wait_until("it recurs", |requests| requests.len() >= 2).await;
    let changes = [
        event("visit-cancelled", 1, in_seconds(0)),
        event("visit-moved", 2, in_seconds(2)),
        event("visit-cancelled", 3, in_seconds(0)),
        event("visit-moved", 4, in_seconds(1)),
    ];
    system.queue.insert_many(changes).await;
    let moved = system
        .receiver
        .wait_until("what was moved is received", |requests| {
            requests.iter().any(|request| request.path == "/visits")
        })
        .await;
    let moved: Vec<_> = moved.into_iter().filter(|request| request.path == "/visits").collect();
    assert_eq!(moved[0].json()["visit"]["id"], 2);
    eventually("nothing is pending", async || {
        !system.statuses().await.contains(&"PENDING".to_owned())
    })
    .await;
    let rows = system.rows().await;
    let cancelled: Vec<_> = rows.iter().filter(|row| row["status"] == "CANCELLED").collect();
    assert_eq!(cancelled.len(), 3, "two visits and the rest of the stay: {rows:?}");
    let by = |row: &&Value| row["cancellationInfo"]["eventType"].as_str().unwrap().to_owned();
    let by: BTreeSet<_> = cancelled.iter().map(by).collect();
    assert_eq!(by, ["visit-cancelled".to_owned(), "visit-moved".to_owned()].into());
    let stays = system.receiver.requests_to("/stays").len();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(system.receiver.requests_to("/stays").len(), stays, "it has stopped");
    assert_eq!(
        system.receiver.requests_to("/visits").len(),
        1,
        "what calls nothing off plans nothing"
    );
    let unmatched = api.list(ORG, "events", "events", "&eventType=visit-cancelled").await;
    assert!(unmatched.iter().all(|event| event["reason"] == "NO_MATCH"), "{unmatched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedule_script_sets_the_time_and_leaves_a_dead_letter_without_one() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let url = |path: &str| system.receiver.url(path);
    let script = json!({"script": "if (payload.never) return null; return addMinutes(payload.at, -60)"});
    api.integration(ORG, "visit", &url("/script"), delayed(&script)).await;
    let path = json!({"at": "{{day}}T{{hour}}:00", "timezone": "Asia/Kolkata"});
    api.integration(ORG, "visit", &url("/path"), delayed(&path)).await;
    let soon = (Utc::now() + TimeDelta::seconds(3_601)).to_rfc3339();
    let payload = json!({"at": soon, "day": "2020-01-01", "hour": "10"});
    system.queue.insert(QueueRow::new(ORG, "visit").json(&payload)).await;
    let received = system.receiver.wait_for(2).await;
    let paths: BTreeSet<_> = received.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/path", "/script"].into(), "one that has passed is made at once");

    system
        .queue
        .insert(QueueRow::new(ORG, "visit").json(&json!({"never": true})))
        .await;
    eventually("what tells no time is a dead letter", async || {
        api.list(ORG, "dlq", "entries", "").await.len() == 1
    })
    .await;
    let dead = api.list(ORG, "dlq", "entries", "").await.remove(0);
    assert_eq!(
        (&dead["status"], &dead["errorCategory"]),
        (&json!("ABANDONED"), &json!("TRANSFORMATION"))
    );
    assert_eq!(dead["lastError"], "The payload has nothing at day.");
    eventually("what is never due is skipped", async || {
        api.list(ORG, "logs", "logs", "&status=SKIPPED").await.len() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recurring_schedule_from_long_ago_occurs_from_now_on() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let began = Utc::now();
    let config = json!({"intervalMs": 86_400_000, "firstAt": "2020-01-01T00:00:00Z", "maxOccurrences": u32::MAX});
    api.integration(ORG, "visit", &system.receiver.url("/hook"), recurring(&config))
        .await;
    let over = json!({"intervalMs": 1000, "endDate": "2020-01-01"});
    api.integration(ORG, "visit", &system.receiver.url("/over"), recurring(&over))
        .await;
    system.queue.insert(QueueRow::new(ORG, "visit").json(&json!({"n": 1}))).await;
    eventually("it is decided", async || {
        !api.list(ORG, "events", "events", "&status=SCHEDULED").await.is_empty()
    })
    .await;
    system.stands(&["PENDING"]).await;
    let row = system.rows().await.remove(0);
    assert!(time(&row["scheduledFor"]) > began, "years are not made up for: {row}");
    assert_eq!(row["recurringConfig"]["occurrence"], 1);

    let id = row["id"].as_str().expect("an id");
    let path = format!("/scheduled-integrations/{id}/reschedule?orgId={ORG}");
    for wrong in [json!({}), json!({"scheduledFor": "yesterday"}), json!({"scheduledFor": 5})] {
        let answer = api.call(Method::POST, &path, Some(&wrong)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.body);
    }
    api.post(&path, &json!({"scheduledFor": "2020-01-01T00:00:00Z"})).await;
    system.receiver.wait_for(1).await;
    system.stands(&["COMPLETED", "PENDING"]).await;
    let next = system.rows().await.remove(1);
    assert!(time(&next["scheduledFor"]) > began, "the next keeps its time: {next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_deliveries_of_a_deleted_integration_are_cancelled() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let config = json!({"delaySeconds": 86_400});
    let url = system.receiver.url("/hook");
    let deleted = api.integration(ORG, "visit", &url, delayed(&config)).await;
    let kept = api.integration(ORG, "visit", &url, delayed(&config)).await;
    let rows = (1..=2).map(|n| QueueRow::new(ORG, "visit").json(&json!({"n": n})));
    system.queue.insert_many(rows).await;
    system.stands(&["PENDING"; 4]).await;
    let path = format!("/outbound-integrations/{deleted}?orgId={ORG}");
    let answer = api.call(Method::DELETE, &path, None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    for row in system.rows().await {
        let expected = if row["integrationConfigId"] == kept.as_str() {
            ("PENDING", Value::Null)
        } else {
            ("CANCELLED", json!("The integration was deleted."))
        };
        let found = (row["status"].as_str().unwrap(), row["cancellationInfo"]["reason"].clone());
        assert_eq!(found, expected, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_delivery_waits_without_a_worker() {
    let mut system = Scheduled::start().await;
    let url = system.receiver.url("/hook");
    let config = delayed(&json!({"delaySeconds": 2}));
    system.stack.api.integration(ORG, "visit", &url, config).await;
    system.queue.insert(QueueRow::new(ORG, "visit").json(&json!({"n": 1}))).await;
    system.stands(&["PENDING"]).await;
    system.worker.kill();
    let due = time(&system.rows().await[0]["scheduledFor"]);
    eventually("it is overdue", async || Utc::now() > due + TimeDelta::seconds(2)).await;
    assert_eq!(system.statuses().await, ["PENDING"], "it waits and does not fail");
    system.worker.start_again().await;
    system.receiver.wait_for(1).await;
    system.stands(&["COMPLETED"]).await;
    assert_eq!(system.receiver.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_due_at_once_are_sent_by_two_schedulers_while_live_events_continue() {
    const DUE: i64 = 2_000;
    const LIVE: i64 = 200;
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let _second = system.another_scheduler().await;
    let due = in_seconds(8);
    for n in 0..4 {
        let config = json!({"at": "due"});
        api.integration(ORG, &format!("later-{n}"), &system.receiver.url("/later"), delayed(&config))
            .await;
    }
    api.integration(ORG, "live", &system.receiver.url("/live"), json!({})).await;
    let rows = (0..DUE).map(|n| QueueRow::new(ORG, &format!("later-{}", n % 4)).json(&json!({"n": n, "due": due})));
    system.queue.insert_many(rows).await;
    eventually_within(PATIENCE, "it begins", async || {
        !system.receiver.requests_to("/later").is_empty()
    })
    .await;
    system
        .queue
        .insert_many((0..LIVE).map(|n| QueueRow::new(ORG, "live").json(&json!({"n": n}))))
        .await;
    eventually_within(PATIENCE, "all are received", async || {
        system.receiver.requests_to("/later").len() as i64 >= DUE && system.receiver.requests_to("/live").len() as i64 >= LIVE
    })
    .await;
    let later = system.receiver.requests_to("/later");
    let distinct: BTreeSet<_> = ids(&later).into_iter().collect();
    assert_eq!((later.len() as i64, distinct.len() as i64), (DUE, DUE), "each once");
    eventually_within(PATIENCE, "all are completed", async || {
        system.statuses().await.iter().filter(|status| *status == "COMPLETED").count() as i64 == DUE
    })
    .await;
}
