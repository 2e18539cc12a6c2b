//! The scheduler and the worker are killed around due times.

use ig_testkit::servers::Mongo;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_deliveries_wait_out_a_database_outage_and_the_api_reports_it() {
    let mut server = Mongo::start().await;
    let database = ig_testkit::mongo::database_on(&server.uri());
    let soon_told = [("IG__MONGODB__SERVER_SELECTION_TIMEOUT_MS", "1000")];
    let system = Scheduled::start_on(database, &soon_told).await;
    let api = &system.stack.api;
    let url = system.receiver.url("/hook");
    api.integration(ORG, "visit", &url, delayed(&json!({"delaySeconds": 86_400})))
        .await;
    let every = json!({"intervalMs": 1000, "maxOccurrences": 5});
    api.integration(ORG, "stay", &url, recurring(&every)).await;
    let event = |kind: &str| QueueRow::new(ORG, kind).json(&json!({"kind": kind}));
    system.queue.insert(event("visit")).await;
    system.stands(&["PENDING"]).await;
    let id = system.rows().await[0]["id"].as_str().expect("an id").to_owned();
    system.queue.insert(event("stay")).await;
    system.receiver.wait_for(1).await;

    server.kill();
    // While the database cannot store it.
    system.queue.insert(event("visit")).await;
    let at = |verb: &str| format!("/scheduled-integrations/{id}{verb}?orgId={ORG}");
    let time = json!({"scheduledFor": in_seconds(0)});
    for (method, verb, body) in [
        (Method::GET, "", None),
        (Method::POST, "/cancel", Some(&json!({}))),
        (Method::POST, "/reschedule", Some(&time)),
    ] {
        let answer = api.call(method, &at(verb), body).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{verb}: {}", answer.body);
        assert_eq!(answer.body["code"], "SERVICE_UNAVAILABLE", "{verb}");
        assert!(answer.headers.contains_key("retry-after"), "{verb}: {:?}", answer.headers);
    }
    server.restart().await;

    eventually_within(PATIENCE, "nothing is lost", async || {
        let answer = api
            .call(Method::GET, &format!("/scheduled-integrations?orgId={ORG}&limit=500"), None)
            .await;
        let rows = answer.body["scheduledIntegrations"].as_array().cloned().unwrap_or_default();
        let count = |status: &str| rows.iter().filter(|row| row["status"] == status).count();
        (count("PENDING"), count("COMPLETED")) == (2, 5)
    })
    .await;
    let rows = system.rows().await;
    let far = |row: &&Value| row["status"] == "PENDING" && self::time(&row["scheduledFor"]) > Utc::now();
    assert_eq!(
        rows.iter().filter(far).count(),
        2,
        "neither was moved nor called off: {rows:?}"
    );
    let received: BTreeSet<_> = ids(&system.receiver.requests()).into_iter().collect();
    assert_eq!(received.len(), 5);
    api.post(&at("/reschedule"), &json!({"scheduledFor": in_seconds(0)})).await;
    eventually("what was moved is received", async || {
        ids(&system.receiver.requests()).into_iter().collect::<BTreeSet<_>>().len() == 6
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_occurrence_exists_once_and_is_received_at_least_once() {
    const SERIES: i64 = 40;
    const TIMES: usize = 6;
    let mut system = Scheduled::start().await;
    let config = json!({"intervalMs": 1000, "maxOccurrences": TIMES});
    let url = system.receiver.url("/hook");
    system.stack.api.integration(ORG, "visit", &url, recurring(&config)).await;
    let rows = (0..SERIES).map(|n| QueueRow::new(ORG, "visit").json(&json!({"n": n})));
    system.queue.insert_many(rows).await;
    system.receiver.wait_for(SERIES as usize / 2).await;
    for round in 0..4 {
        if round % 2 == 0 {
            system.scheduler.kill();
            system.scheduler.start_again().await;
        } else {
            system.worker.kill();
            system.worker.start_again().await;
        }
        let so_far = system.receiver.count() as usize;
        system.receiver.wait_for((so_far + 30).min(SERIES as usize * TIMES)).await;
    }
    eventually_within(PATIENCE, "every occurrence has ended", async || {
        let statuses = system.statuses().await;
        statuses.len() == SERIES as usize * TIMES && !statuses.contains(&"PENDING".to_owned())
    })
    .await;
    let rows = system.rows().await;
    let mut series: HashMap<&str, Vec<i64>> = HashMap::new();
    for row in &rows {
        let event = row["originalEventId"].as_str().unwrap();
        let number = row["recurringConfig"]["occurrence"].as_i64().unwrap();
        series.entry(event).or_default().push(number);
    }
    let all: Vec<_> = (1..=TIMES as i64).collect();
    for (event, mut numbers) in series {
        numbers.sort_unstable();
        assert_eq!(numbers, all, "of event {event}");
    }
    let received: BTreeSet<_> = ids(&system.receiver.requests()).into_iter().collect();
    let expected: BTreeSet<_> = rows.iter().map(|row| row["messageId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(received, expected, "each is received, and repeats have the same id");
    println!("{} occurrences, {} receipts", rows.len(), system.receiver.count());
}
