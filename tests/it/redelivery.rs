//! Retries of failed deliveries: automatic, manual and in bulk, each with one message identifier and one log.

mod chaos;
pub(crate) mod ground;

use std::time::Duration;

use http::{Method, StatusCode};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::{eventually, eventually_within};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use ground::{Ground, ORG, OTHER_ORG};

/// Enough time for the delay before a retry, and for the retrier's next poll.
pub(crate) const SOON: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn automatic_retries_resolve_a_dead_letter_with_one_log() {
    let ground = Ground::looking_every(1).await;
    let answers = [Answer::status(500), Answer::status(500), Answer::status(200)];
    ground.receiver.script("/hook", answers);
    let id = ground.failed(json!({"n": 1})).await;
    eventually_within(SOON, "it is resolved", async || {
        ground.entry(&id).await["status"] == "RESOLVED"
    })
    .await;
    let entry = ground.entry(&id).await;
    assert_eq!((&entry["retries"], &entry["attemptCount"]), (&json!(2), &json!(3)), "{entry}");
    assert_eq!(entry["deliveryLogId"], json!(id));

    let log = ground.one_log().await;
    assert_eq!(
        (&log["status"], &log["attemptCount"]),
        (&json!("SUCCESS"), &json!(3)),
        "{log}"
    );
    let statuses: Vec<_> = log["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["responseStatus"].clone())
        .collect();
    assert_eq!(statuses, [500, 500, 200]);
    let requests = ground.receiver.requests();
    let ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert!(ids.iter().all(|id| *id == log["messageId"]), "{ids:?}");
    let steps = entry["executionLog"]["steps"].as_array().expect("the steps").clone();
    let retries = steps.iter().filter(|step| step["name"] == "retry").count();
    assert_eq!(retries, 2, "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_is_retried_when_due_however_rarely_the_retrier_polls() {
    let ground = Ground::looking_every(3_600).await;
    ground
        .receiver
        .script("/hook", [Answer::status(500), Answer::status(500), Answer::status(200)]);
    let id = ground.failed(json!({"n": 1})).await;
    ground
        .entry_when(&id, "is resolved", |entry| entry["status"] == "RESOLVED")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_retry_uses_the_current_configuration() {
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    assert_eq!(ground.entry(&id).await["status"], "ABANDONED");
    let path = format!("/outbound-integrations/{}?orgId={ORG}", ground.integration);
    let moved = json!({"targetUrl": ground.receiver.url("/new")});
    assert!(
        ground
            .api()
            .call(Method::PATCH, &path, Some(&moved))
            .await
            .status
            .is_success()
    );
    eventually("the new target is in force", async || {
        ground.retry(&id).await;
        ground
            .entry_when(&id, "is not under way", |entry| entry["status"] != "RETRYING")
            .await;
        ground.receiver.requests_to("/new").len() == 1
    })
    .await;
    ground
        .entry_when(&id, "is resolved", |entry| entry["status"] == "RESOLVED")
        .await;
    let log = ground.one_log().await;
    assert_eq!((&log["status"], &log["targetUrl"]), (&json!("SUCCESS"), &moved["targetUrl"]));
    let again = ground.retry(&id).await;
    assert_eq!(again, StatusCode::CONFLICT, "it is delivered");
    assert_eq!(ground.receiver.requests_to("/new").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_that_keeps_failing_is_abandoned_with_an_alert() {
    let ground = Ground::looking_every(1).await;
    ground.receiver.always("/hook", Answer::status(503));
    let id = ground.failed(json!({"n": 1})).await;
    eventually_within(SOON, "it is given up", async || {
        ground.entry(&id).await["status"] == "ABANDONED"
    })
    .await;
    let entry = ground.entry(&id).await;
    assert_eq!((&entry["retries"], &entry["nextRetryAt"]), (&json!(3), &Value::Null));
    let reason = entry["abandonedReason"].as_str().expect("a reason");
    assert!(reason.contains("3 times"), "{reason}");
    let log = ground.one_log().await;
    assert_eq!((&log["status"], &log["attemptCount"]), (&json!("ABANDONED"), &json!(4)));
    let alerts = ground.mongo.open().await.collection::<Document>("alert_center_logs");
    let ours = doc! { "orgId": ORG, "kind": "dead-letters-abandoned", "key": &ground.integration };
    eventually("people are told", async || {
        alerts.count_documents(ours.clone()).await.unwrap() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_without_a_payload_is_neither_retried_nor_redriven() {
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    // As stored where the database refuses the payload.
    let letters = ground.mongo.open().await.collection::<Document>("dlq");
    let bare = doc! { "$set": { "reason": "NOT_STORED", "originalPayload": "" } };
    letters.update_one(doc! { "orgId": ORG }, bare).await.unwrap();
    let path = format!("/dlq/{id}/retry?orgId={ORG}");
    let refused = ground.api().call(Method::POST, &path, None).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.to_string().contains("no payload"), "{}", refused.body);
    let begun = ground.redrive(&json!({})).await;
    assert_eq!(begun["estimated"], json!(0), "{begun}");
    assert_eq!(ground.entry(&id).await["status"], "ABANDONED");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_of_a_deleted_integration_is_abandoned_for_that_reason() {
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    let path = format!("/outbound-integrations/{}?orgId={ORG}", ground.integration);
    let deleted = ground.api().call(Method::DELETE, &path, None).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    eventually("it is abandoned for that", async || {
        ground.retry(&id).await;
        let settled = ground
            .entry_when(&id, "is settled", |entry| entry["status"] == "ABANDONED")
            .await;
        settled["abandonedReason"] == "The integration was deleted."
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_another_tenant_are_not_found() {
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    let begun = ground.redrive(&json!({"startDate": "2099-01-01"})).await;
    let redrive = begun["id"].as_str().expect("an id").to_owned();
    let foreign = [
        (Method::GET, format!("/dlq/{id}")),
        (Method::DELETE, format!("/dlq/{id}")),
        (Method::POST, format!("/dlq/{id}/retry")),
        (Method::GET, format!("/dlq/redrives/{redrive}")),
        (Method::DELETE, format!("/dlq/redrives/{redrive}")),
    ];
    for (method, path) in foreign {
        let answer = ground
            .api()
            .call(method.clone(), &format!("{path}?orgId={OTHER_ORG}"), None)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.body);
    }
    let bulk = format!("/dlq/bulk/retry?orgId={OTHER_ORG}");
    let answered = ground.api().post(&bulk, &json!({"ids": [id]})).await;
    assert_eq!(answered, json!({"accepted": [], "refused": [id]}));
    let empty = ground.api().get(&format!("/dlq/statistics?orgId={OTHER_ORG}")).await;
    assert_eq!(empty["total"], 0);
    assert_eq!(ground.entry(&id).await["status"], "ABANDONED");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_retried_counted_and_deleted_in_bulk() {
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let ids = ground.all_failed(60).await;
    let statistics = ground.api().get(&format!("/dlq/statistics?orgId={ORG}")).await;
    // Five failures in a row open the breaker, and the others are held.
    assert_eq!(statistics["total"], 60);
    let counts = ["ABANDONED", "PENDING_RETRY"].map(|status| statistics["byStatus"][status].clone());
    assert_eq!(counts, [json!(5), json!(55)], "{statistics}");
    assert_eq!(statistics["byCategory"]["CLIENT_ERROR"], 5);
    assert_eq!(statistics["byIntegration"][0]["count"], 60);

    ground.receiver.always("/hook", Answer::status(200));
    ground.enable().await;
    let bulk = format!("/dlq/bulk/retry?orgId={ORG}");
    let answered = ground.api().post(&bulk, &json!({"ids": ids})).await;
    assert_eq!(answered["accepted"].as_array().map(Vec::len), Some(60), "{answered}");
    eventually("all are delivered", async || {
        ground.api().list(ORG, "dlq", "entries", "&status=RESOLVED").await.len() == 60
    })
    .await;
    let path = format!("/dlq/{}?orgId={ORG}", ids[0]);
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        assert_eq!(ground.api().call(Method::DELETE, &path, None).await.status, status);
    }
    let faults = ground.api().call(Method::POST, &bulk, Some(&json!({"ids": ["x"]}))).await;
    assert_eq!(faults.status, StatusCode::BAD_REQUEST);
    assert_eq!(faults.body["details"][0]["pointer"], "/ids/0");
    let many: Vec<_> = (0..101).map(|_| &ids[0]).collect();
    let faults = ground.api().call(Method::POST, &bulk, Some(&json!({"ids": many}))).await;
    assert_eq!(faults.body["details"][0]["pointer"], "/ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_delivers_in_event_order_and_shows_its_progress() {
    const COUNT: i64 = 40;
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    ground.all_failed(COUNT).await;
    ground.receiver.always("/hook", Answer::status(200));
    ground.enable().await;
    let begun = ground.redrive(&json!({"integrationId": ground.integration})).await;
    assert_eq!((&begun["state"], &begun["estimated"]), (&json!("RUNNING"), &json!(COUNT)));
    let done = ground
        .redrive_when(&begun, "is completed", |redrive| redrive["state"] == "COMPLETED")
        .await;
    assert_eq!(
        (&done["delivered"], &done["failed"], &done["waiting"]),
        (&json!(COUNT), &json!(0), &json!(0))
    );
    let order: Vec<_> = ground
        .receiver
        .requests_to("/hook")
        .iter()
        .skip(5)
        .map(|request| request.json()["n"].clone())
        .collect();
    assert_eq!(order, (0..COUNT).map(|n| json!(n)).collect::<Vec<_>>());
    let faults = ground
        .api()
        .call(
            Method::POST,
            &format!("/dlq/redrives?orgId={ORG}"),
            Some(&json!({"integrationId": "x", "errorCategory": "BAD", "startDate": "yesterday"})),
        )
        .await;
    let places: Vec<_> = faults.body["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["pointer"].clone())
        .collect();
    assert_eq!(places, ["/integrationId", "/errorCategory", "/startDate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_waits_while_the_breaker_is_open() {
    const HELD: i64 = 10;
    let ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    ground.all_failed(5 + HELD).await;
    ground.receiver.always("/hook", Answer::status(200));
    let begun = ground.redrive(&json!({})).await;
    let waits = json!(5 + HELD);
    ground
        .redrive_when(&begun, "has begun", |redrive| redrive["waiting"] == waits)
        .await;
    assert_eq!(ground.receiver.requests_to("/hook").len(), 5, "nothing is sent");
    let listed = async |query: &str| ground.api().list(ORG, "dlq/redrives", "redrives", query).await;
    let running = listed("&state=RUNNING").await;
    assert_eq!(
        (running.len(), &running[0]["id"], &running[0]["waiting"]),
        (1, &begun["id"], &waits)
    );
    assert!(listed("&state=COMPLETED").await.is_empty());
    assert!(ground.api().list(OTHER_ORG, "dlq/redrives", "redrives", "").await.is_empty());
    ground.enable().await;
    let done = ground
        .redrive_when(&begun, "is completed", |redrive| redrive["state"] == "COMPLETED")
        .await;
    assert_eq!((&done["delivered"], &done["failed"]), (&waits, &json!(0)), "{done}");
    let retried = ground.api().list(ORG, "dlq", "entries", "&status=RESOLVED").await;
    assert!(
        retried.iter().all(|entry| entry["retries"] == 1),
        "what was held does not count"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_stay_readable_without_a_retrier_and_retries_report_it() {
    let mut ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    ground.retrier.kill();
    assert_eq!(ground.retry(&id).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ground.entry(&id).await["status"], "ABANDONED");
    ground.queue.insert(QueueRow::new(ORG, "other")).await;
}
