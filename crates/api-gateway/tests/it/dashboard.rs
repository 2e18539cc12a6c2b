//! The dashboards.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use ig_core::alert::{Alert, Severity};
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::delivery_log::DeliveryStatus;
use ig_core::id::{OrgId, SourceId};
use ig_core::lease::{Checkpoint, Claim, WorkerId};
use ig_core::partition::PartitionId;
use ig_core::ports::PartitionLeases as _;
use ig_store::AlertTimes;
use serde_json::{Value, json};

use crate::api::{Api, integration_with};
use crate::deliveries::{letter, log, record};

async fn alert(api: &Api, org: Option<i64>) {
    let alert = Alert {
        org_id: org.map(OrgId),
        kind: "circuit-open".to_owned(),
        key: "a".to_owned(),
        severity: Severity::Critical,
        message: "it does not answer".to_owned(),
        at: Utc::now(),
    };
    let times = AlertTimes {
        quiet: Duration::from_mins(15),
        keep: Duration::from_hours(24),
    };
    api.store().await.alerts().raise(&alert, times, Utc::now()).await.unwrap();
}

/// Three recent deliveries and one of yesterday, two dead letters, two integrations and an alert.
async fn record_activity(api: &Api, org: i64) {
    use DeliveryStatus::{Failed, Retrying, Success};
    let ago = |minutes| Utc::now() - TimeDelta::minutes(minutes);
    let failed = log(org, 1, ago(2), Failed, Some(40));
    let retrying = log(org, 2, ago(30), Retrying, Some(40));
    let (given_up, waiting) = (
        letter(&failed, DeadLetterStatus::Abandoned),
        letter(&retrying, DeadLetterStatus::PendingRetry),
    );
    let logs = [
        (log(org, 0, ago(1), Success, Some(20)), None),
        (failed, Some(given_up)),
        (retrying, Some(waiting)),
        (log(org, 3, ago(120), Success, Some(20)), None),
        (log(org, 4, ago(26 * 60), Success, Some(20)), None),
    ];
    record(api, logs).await;
    let paused = api.integration(org, integration_with(json!({"name": "paused"}))).await;
    api.integration(org, integration_with(json!({"name": "active"}))).await;
    let answer = api
        .post(&format!("/outbound-integrations/{paused}/disable?orgId={org}"), json!({}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    alert(api, Some(org)).await;
}

/// Returns the dashboard once the gateway's configuration has both integrations in their final state.
async fn wait_for_dashboard(api: &Api, path: &str, integrations: &Value) -> Value {
    let mut found = Value::Null;
    ig_testkit::wait::eventually("the configuration is followed", async || {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        found = answer.json;
        found["integrations"] == *integrations
    })
    .await;
    found
}

#[tokio::test]
async fn dashboard_of_an_organisation_covers_only_that_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    record_activity(&api, 10).await;
    let states = json!({"total": 2, "active": 1, "paused": 1, "circuitOpen": 0, "drafts": 0});
    let found = wait_for_dashboard(&api, "/dashboard?orgId=10", &states).await;
    let deliveries = &found["deliveries"];
    assert_eq!(deliveries["perMinute"], json!(0.4));
    let of = |period: &str| {
        let figures = &deliveries[period];
        (
            figures["total"].clone(),
            figures["byStatus"]["SUCCESS"].clone(),
            figures["responseTimeMs"]["p50"].clone(),
        )
    };
    assert_eq!(of("lastHour"), (json!(3), json!(1), json!(40)));
    assert_eq!(of("lastDay"), (json!(4), json!(2), json!(20)));
    assert_eq!(deliveries["lastDay"]["successRate"], json!(0.5));
    assert_eq!(
        (&found["dlq"]["total"], &found["dlq"]["byStatus"]),
        (
            &json!(2),
            &json!({"PENDING_RETRY": 1, "RETRYING": 0, "ABANDONED": 1, "RESOLVED": 0})
        )
    );
    assert!(found["dlq"]["oldestWaiting"].is_string(), "{found}");
    assert_eq!(found["scheduled"], json!({"pending": 0, "nextDue": null}));
    assert_eq!(
        found["alerts"],
        json!({"total": 1, "bySeverity": {"CRITICAL": 1, "INFO": 0, "WARNING": 0}, "byKind": {"circuit-open": 1}})
    );
    let none = api.get("/dashboard?orgId=20").await.json;
    assert_eq!(
        (
            &none["deliveries"]["lastDay"]["total"],
            &none["dlq"]["total"],
            &none["alerts"]["total"],
            &none["integrations"]["total"]
        ),
        (&json!(0), &json!(0), &json!(0), &json!(0))
    );
    assert_eq!(none["deliveries"]["perMinute"], json!(0.0));
}

#[tokio::test]
async fn platform_dashboard_covers_all_organisations_and_the_health_of_services() {
    let api = Api::start_with(std::sync::Arc::new(ig_testkit::mongo::database()), |config| {
        // No process listens there.
        let nobody = "127.0.0.1:1".to_owned();
        for address in [
            &mut config.services.api_gateway,
            &mut config.services.delivery_worker,
            &mut config.services.scheduler,
            &mut config.services.dlq_retrier,
            &mut config.services.job_runner,
            &mut config.services.alerter,
        ] {
            address.clone_from(&nobody);
        }
    })
    .await;
    for org in [10, 20] {
        api.org(org).await;
        record_activity(&api, org).await;
    }
    alert(&api, None).await;
    hold_a_partition(&api).await;
    let states = json!({"total": 4, "active": 2, "paused": 2, "circuitOpen": 0, "drafts": 0});
    let found = wait_for_dashboard(&api, "/admin/dashboard", &states).await;
    assert_eq!((&found["organizations"], &found["alerts"]["total"]), (&json!(2), &json!(3)));
    assert_eq!(
        (&found["deliveries"]["lastDay"]["total"], &found["dlq"]["total"]),
        (&json!(8), &json!(4))
    );
    let services: Vec<_> = found["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| (&service["name"], &service["state"]))
        .collect();
    let unreachable = json!("UNREACHABLE");
    let names = [
        "api-gateway",
        "delivery-worker",
        "scheduler",
        "dlq-retrier",
        "job-runner",
        "alerter",
    ]
    .map(Value::from);
    assert_eq!(services, names.iter().map(|name| (name, &unreachable)).collect::<Vec<_>>());
    let workers = &found["workers"];
    assert_eq!(
        (&workers["partitions"], &workers["held"], &workers["holders"]),
        (&json!(64), &json!(1), &json!([{"id": "worker-1", "partitions": 1}]))
    );
    assert_eq!(
        workers["sources"],
        json!([{"source": "mysql", "slowest": 17, "farthest": 17, "head": null, "behind": 0}])
    );
    assert!(found["database"]["pingMs"].as_f64().unwrap() > 0.0);
}

async fn hold_a_partition(api: &Api) {
    let leases = api.store().await.partition_leases();
    let worker = WorkerId("worker-1".to_owned());
    let partition = PartitionId::new(3).unwrap();
    let claim = leases
        .claim(&worker, partition, Utc::now(), Duration::from_hours(1))
        .await
        .unwrap();
    let Claim::Won(lease) = claim else { panic!("{claim:?}") };
    let checkpoint = Checkpoint {
        partition,
        epoch: lease.epoch,
        source: SourceId::new("mysql"),
        position: 17,
    };
    leases.save(&worker, &[checkpoint]).await.unwrap();
}

#[tokio::test]
async fn platform_dashboard_shows_a_running_service_as_serving() {
    let first = Api::start().await;
    let grpc = first.at.grpc.to_string();
    let api = Api::start_with(std::sync::Arc::clone(&first.database), |config| {
        config.services.api_gateway = grpc;
    })
    .await;
    let found = api.get("/admin/dashboard").await.json;
    assert_eq!(
        (&found["services"][0]["name"], &found["services"][0]["state"]),
        (&json!("api-gateway"), &json!("SERVING"))
    );
}
