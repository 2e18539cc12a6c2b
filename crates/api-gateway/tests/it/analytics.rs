//! Analytics of an organisation's deliveries.

use chrono::TimeDelta;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus};
use ig_core::id::EventType;
use ig_core::outcome::ErrorCategory;
use ig_testkit::builders::integration_id;
use serde_json::{Value, json};

use crate::api::{Api, integration_with};
use crate::deliveries::{log, record};

const ROUTES: [&str; 5] = ["summary", "timeseries", "integrations", "event-types", "errors"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn write(api: &Api, logs: Vec<DeliveryLog>) {
    record(api, logs.into_iter().map(|log| (log, None))).await;
}

async fn org_in(api: &Api, org: i64, timezone: &str) {
    let made = api
        .post("/admin/orgs", json!({"orgId": org, "name": "Org", "timezone": timezone}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
}

async fn ask(api: &Api, what: &str) -> Value {
    let answer = api.get(&format!("/analytics/{what}")).await;
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    answer.json
}

#[tokio::test]
async fn analytics_summary_counts_the_deliveries_of_the_period() {
    use DeliveryStatus::{Failed, Retrying, Skipped, Success};
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let begun = at("2024-05-01T00:00:00Z");
    let mut logs: Vec<_> = (1..=98)
        .map(|number| log(10, number, begun, Success, Some(number.unsigned_abs() % 50)))
        .collect();
    logs.push(log(10, 99, begun, Failed, Some(10_000)));
    logs.push(log(10, 100, begun, Retrying, Some(20_000)));
    logs.push(log(10, 101, begun, Skipped, None));
    logs.push(log(10, 102, begun - TimeDelta::milliseconds(1), Failed, Some(1)));
    logs.push(log(10, 103, begun + TimeDelta::days(1), Failed, Some(1)));
    logs.push(log(20, 104, begun, Failed, Some(1)));
    write(&api, logs).await;
    let found = ask(&api, "summary?orgId=10&startDate=2024-05-01&endDate=2024-05-01").await;
    assert_eq!(
        (&found["startDate"], &found["endDate"], &found["timezone"]),
        (&json!("2024-05-01T00:00:00Z"), &json!("2024-05-02T00:00:00Z"), &json!("UTC"))
    );
    assert_eq!((&found["total"], &found["attempts"]), (&json!(101), &json!(100)));
    assert_eq!(
        found["byStatus"],
        json!({"SUCCESS": 98, "FAILED": 1, "RETRYING": 1, "ABANDONED": 0, "SKIPPED": 1})
    );
    assert_eq!(found["successRate"], json!(0.98));
    let times = &found["responseTimeMs"];
    assert_eq!((&times["p50"], &times["p95"]), (&json!(25), &json!(47)), "{times}");
    let p99 = times["p99"].as_f64().unwrap();
    assert!((9_900.0..=10_100.0).contains(&p99), "within a hundredth of 10,000: {times}");
    let sum: i64 = (1..=98).map(|number| number % 50).sum::<i64>() + 30_000;
    let average = times["average"].as_f64().unwrap();
    assert!((average - sum as f64 / 100.0).abs() < 0.001, "{times}");
}

#[tokio::test]
async fn analytics_without_deliveries_are_zero() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    write(&api, vec![log(20, 1, chrono::Utc::now(), DeliveryStatus::Failed, Some(1))]).await;
    let none = json!({"p50": null, "p95": null, "p99": null, "average": null});
    let summary = ask(&api, "summary?orgId=10").await;
    assert_eq!(
        (&summary["total"], &summary["successRate"], &summary["responseTimeMs"]),
        (&json!(0), &Value::Null, &none)
    );
    let series = ask(&api, "timeseries?orgId=10").await;
    let points = series["points"].as_array().unwrap();
    assert!((24..=25).contains(&points.len()), "the hours of a day: {}", points.len());
    assert!(points.iter().all(|point| point["total"] == json!(0)));
    assert_eq!(ask(&api, "integrations?orgId=10").await["integrations"], json!([]));
    assert_eq!(ask(&api, "event-types?orgId=10").await["eventTypes"], json!([]));
    let errors = ask(&api, "errors?orgId=10").await;
    assert_eq!((&errors["categories"], &errors["integrations"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn analytics_days_follow_the_organisations_zone_across_clock_changes() {
    let api = Api::start().await;
    org_in(&api, 10, "Europe/Berlin").await;
    // The 31st has 23 hours; one delivery in each minute that matters.
    let moments = [
        "2024-03-30T22:59:59Z",
        "2024-03-30T23:00:00Z",
        "2024-03-31T01:00:00Z",
        "2024-03-31T21:59:59Z",
        "2024-03-31T22:00:00Z",
        "2024-04-02T21:59:59Z",
        "2024-04-02T22:00:00Z",
    ];
    let logs = (0..)
        .zip(moments)
        .map(|(number, moment)| log(10, number, at(moment), DeliveryStatus::Success, Some(9)));
    write(&api, logs.collect()).await;
    let series = ask(
        &api,
        "timeseries?orgId=10&interval=day&startDate=2024-03-30&endDate=2024-04-02",
    )
    .await;
    assert_eq!(
        (&series["timezone"], &series["interval"]),
        (&json!("Europe/Berlin"), &json!("day"))
    );
    let points: Vec<_> = series["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| {
            (
                point["start"].as_str().unwrap(),
                point["end"].as_str().unwrap(),
                point["total"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        points,
        [
            ("2024-03-29T23:00:00Z", "2024-03-30T23:00:00Z", 1),
            ("2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z", 3),
            ("2024-03-31T22:00:00Z", "2024-04-01T22:00:00Z", 1),
            ("2024-04-01T22:00:00Z", "2024-04-02T22:00:00Z", 1),
        ]
    );
    let point = &series["points"][1];
    assert_eq!(
        (&point["byStatus"]["SUCCESS"], &point["responseTimeMs"]["p95"]),
        (&json!(3), &json!(9))
    );
    let utc = ask(
        &api,
        "timeseries?orgId=10&interval=day&startDate=2024-03-30&endDate=2024-04-02&timezone=UTC",
    )
    .await;
    let totals: Vec<_> = utc["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["total"].as_u64().unwrap())
        .collect();
    assert_eq!(totals, [2, 3, 0, 2]);
}

#[tokio::test]
async fn analytics_by_integration_event_type_and_error_name_their_groups() {
    let api = Api::start().await;
    api.org(10).await;
    let ours = api.integration(10, integration_with(json!({"name": "Renamed since"}))).await;
    let begun = at("2024-05-01T00:00:00Z");
    let mut logs: Vec<_> = (0..6)
        .map(|number| {
            log(
                10,
                number,
                begun + TimeDelta::seconds(number),
                DeliveryStatus::Failed,
                Some(5),
            )
        })
        .collect();
    for log in &mut logs[2..] {
        log.integration.id = ours.parse().unwrap();
        log.event.event_type = EventType::new("visit");
    }
    logs[5].error = Some((ErrorCategory::Timeout, "too slow".to_owned()));
    write(&api, logs).await;
    let when = "orgId=10&startDate=2024-05-01&endDate=2024-05-01";
    let integrations = ask(&api, &format!("integrations?{when}")).await;
    let of = |index: usize| {
        let found = &integrations["integrations"][index];
        (
            found["integrationConfigId"].clone(),
            found["integrationName"].clone(),
            found["total"].clone(),
        )
    };
    assert_eq!(of(0), (json!(ours), json!("Renamed since"), json!(4)));
    assert_eq!(of(1), (json!(integration_id(1).to_string()), json!("Hook"), json!(2)));
    let first = ask(&api, &format!("integrations?{when}&limit=1")).await;
    assert_eq!(
        (first["integrations"].as_array().unwrap().len(), &first["hasMore"]),
        (1, &json!(true))
    );
    let types = ask(&api, &format!("event-types?{when}")).await;
    assert_eq!(
        (
            &types["eventTypes"][0]["eventType"],
            &types["eventTypes"][0]["byStatus"]["FAILED"],
            &types["hasMore"]
        ),
        (&json!("visit"), &json!(4), &json!(false))
    );
    let errors = ask(&api, &format!("errors?{when}")).await;
    let second = |number| begun + TimeDelta::seconds(number);
    assert_eq!(
        errors["categories"],
        json!([
            {"errorCategory": "SERVER_ERROR", "count": 5, "lastMessage": "failure 4", "lastAt": second(4)},
            {"errorCategory": "TIMEOUT", "count": 1, "lastMessage": "too slow", "lastAt": second(5)},
        ])
    );
    assert_eq!(
        errors["integrations"][0],
        json!({
            "integrationConfigId": ours, "integrationName": "Renamed since", "errorCategory": "SERVER_ERROR", "count": 3,
            "lastMessage": "failure 4", "lastAt": second(4),
        })
    );
    for (narrowed, total) in [(format!("integrationId={ours}"), 4), ("eventType=order".to_owned(), 2)] {
        let summary = ask(&api, &format!("summary?{when}&{narrowed}")).await;
        assert_eq!(summary["total"], json!(total), "{narrowed}");
    }
}

#[tokio::test]
async fn analytics_query_faults_are_reported_by_parameter() {
    let api = Api::start().await;
    api.org(10).await;
    for route in ROUTES {
        for (query, parameter) in [
            ("startDate=yesterday", "startDate"),
            ("endDate=2024-02-30", "endDate"),
            ("startDate=2024-05-02&endDate=2024-05-01", "startDate"),
            ("startDate=2024-01-01&endDate=2024-05-01", "startDate"),
            ("timezone=Mars/Olympus", "timezone"),
            ("integrationId=7", "integrationId"),
        ] {
            let answer = api.get(&format!("/analytics/{route}?orgId=10&{query}")).await;
            let details = &answer.json["details"][0];
            assert_eq!(
                (answer.status, &details["parameter"]),
                (400, &json!(parameter)),
                "{route} {query}"
            );
        }
    }
    let month = "startDate=2024-05-01&endDate=2024-05-31";
    for (query, parameter) in [
        (format!("timeseries?orgId=10&interval=second&{month}"), "interval"),
        (format!("timeseries?orgId=10&interval=minute&{month}"), "interval"),
        (format!("integrations?orgId=10&limit=0&{month}"), "limit"),
        (format!("errors?orgId=10&limit=501&{month}"), "limit"),
    ] {
        let answer = api.get(&format!("/analytics/{query}")).await;
        let details = &answer.json["details"][0];
        assert_eq!((answer.status, &details["parameter"]), (400, &json!(parameter)), "{query}");
    }
    assert_eq!(
        ask(&api, &format!("timeseries?orgId=10&interval=hour&{month}")).await["points"]
            .as_array()
            .unwrap()
            .len(),
        744
    );
}
