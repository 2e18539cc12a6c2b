//! The example of the design, and what a tenant sees of it.

use std::process::Command;

use http::Method;
use serde_json::json;

use super::setup::{Jobs, OTHER_ORG, UNIT};
use crate::setup::ORG;

#[tokio::test]
async fn job_sends_yesterdays_bills_of_its_tenant_and_logs_how() {
    let jobs = Jobs::start(1, &[]).await;
    // The day of the tenant, whatever the time of the test.
    for (entity, amount) in [(ORG, "10.10"), (UNIT, "123456789012345678.90"), (OTHER_ORG, "99.99")] {
        jobs.bill(
            entity,
            amount,
            "DATE(CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', '+05:30')) - INTERVAL 1 DAY",
        )
        .await;
        jobs.bill(entity, amount, "'2020-01-01'").await;
    }
    let zone = json!({"timezone": "Asia/Kolkata"});
    let changed = jobs
        .stack
        .api
        .call(Method::PATCH, &format!("/admin/orgs/{ORG}"), Some(&zone))
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let job = jobs
        .job(
            ORG,
            "/bills",
            json!({
                "schedule": {"type": "CRON", "expression": "0 9 * * *", "timezone": "Asia/Kolkata"},
                "dataSource": {
                    "type": "SQL",
                    "query": "SELECT id, amount FROM bills WHERE created_on = {{date.yesterday()}} ORDER BY amount",
                },
                "transformation": {
                    "mode": "SCRIPT",
                    "script": "return {count: payload.data.length, bills: payload.data, tenant: payload.metadata.tenantId}",
                },
                "outgoingAuthType": "BEARER",
                "outgoingAuthConfig": {"token": "s3cret-token"},
            }),
        )
        .await;
    let next = jobs
        .stack
        .api
        .get(&format!("/scheduled-jobs/{job}/next-runs?orgId={ORG}"))
        .await;
    let times = next.to_string();
    assert_eq!(
        times.matches("T03:30:00").count(),
        5,
        "09:00 in Kolkata is 03:30 UTC: {times}"
    );

    let log = jobs.run(ORG, &job).await;
    let ended = jobs.ended(ORG, &log).await;
    assert_eq!(ended["status"], "SUCCESS", "{ended}");
    let received = jobs.receiver.wait_for(1).await;
    let body = std::str::from_utf8(&received[0].body).unwrap();
    assert!(body.contains("123456789012345678.90"), "the digits of an amount stay: {body}");
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (sent["count"].as_u64(), sent["tenant"].as_i64()),
        (Some(2), Some(ORG)),
        "{body}"
    );
    assert!(!body.contains("99.99"), "{body}");

    assert_eq!(ended["recordsFetched"], 2);
    for stage in ["dataFetchStage", "transformationStage", "deliveryStage"] {
        assert_eq!(ended[stage], "SUCCESS", "{ended}");
    }
    assert!(!ended.to_string().contains("s3cret-token"), "{ended}");
    assert_eq!(ended["httpResponse"]["status"], 200, "{ended}");
    let command = ended["curlCommand"].as_str().expect("a command");
    let run = Command::new("sh")
        .arg("-c")
        .arg(format!("{command} --silent --fail"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{command}: {run:?}");
    let repeated = jobs.receiver.wait_for(2).await;
    assert_eq!(repeated[1].body, received[0].body, "the command sends the same body");

    let of_other = jobs
        .stack
        .api
        .call(Method::GET, &format!("/scheduled-job-logs/{log}?orgId={OTHER_ORG}"), None)
        .await;
    assert_eq!(of_other.status, 404, "{of_other:?}");
}

#[tokio::test]
async fn job_on_a_unit_reads_the_rows_of_that_unit_alone() {
    let jobs = Jobs::start(1, &[]).await;
    for (entity, amount) in [(ORG, "1.00"), (UNIT, "2.00"), (OTHER_ORG, "3.00")] {
        jobs.bill(entity, amount, "'2026-02-04'").await;
    }
    let job = jobs.job(ORG, "/unit", json!({"tenantId": UNIT})).await;
    let log = jobs.run(ORG, &job).await;
    assert_eq!(jobs.ended(ORG, &log).await["status"], "SUCCESS");
    let received = jobs.receiver.wait_for(1).await;
    assert_eq!(received[0].body.as_ref(), br#"[{"id":2,"amount":2.00}]"#);
}

#[tokio::test]
async fn job_tests_its_data_source_and_refuses_other_tables_when_it_is_saved() {
    let jobs = Jobs::start(1, &[]).await;
    for number in 0..12 {
        jobs.bill(ORG, &format!("{number}.00"), "'2026-02-04'").await;
    }
    let test = json!({"dataSource": {"type": "SQL", "query": "SELECT id FROM bills ORDER BY id"}});
    let tested = jobs
        .stack
        .api
        .post(&format!("/scheduled-jobs/test-datasource?orgId={ORG}"), &test)
        .await;
    assert_eq!(
        (tested["success"].as_bool(), tested["isTruncated"].as_bool()),
        (Some(true), Some(true)),
        "{tested}"
    );
    assert_eq!(tested["records"].as_array().map(Vec::len), Some(10), "{tested}");
    let refused = json!({
        "name": "Users", "schedule": {"type": "INTERVAL", "intervalMs": 60_000}, "targetUrl": jobs.receiver.url("/"),
        "dataSource": {"type": "SQL", "query": "SELECT * FROM mysql.user"},
    });
    let answer = jobs
        .stack
        .api
        .call(Method::POST, &format!("/scheduled-jobs?orgId={ORG}"), Some(&refused))
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.to_string().contains("/dataSource/query"), "{answer:?}");
}
