//! Deleted organisations, and the reuse of their numbers.

use std::sync::Arc;

use chrono::{SubsecRound as _, TimeDelta, Utc};
use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::delivery_log::DeliveryStatus;
use ig_core::id::{EventId, EventType, OrgId, SourceId};
use ig_core::job::JobKey;
use ig_core::ports::{Journal as _, JournalEntry};
use ig_testkit::builders::integration_id;
use ig_testkit::mongo::database;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::Api;
use crate::deliveries::{letter, log, record};
use crate::job_logs::finished_run;

const LISTS: &[(&str, &str)] = &[
    ("/logs", "logs"),
    ("/execution-logs", "executionLogs"),
    ("/dlq", "entries"),
    ("/events", "events"),
    ("/scheduled-integrations", "scheduledIntegrations"),
    ("/alerts", "alerts"),
    ("/scheduled-job-logs", "logs"),
    ("/data-connections", "dataConnections"),
];

/// A gateway that reserves the numbers of deleted organisations for a second.
pub(crate) async fn gateway() -> Api {
    Api::start_with(Arc::new(database()), |config| config.organizations.number_hold_seconds = 1).await
}

/// Stores deliveries with traces, a dead letter and decisions, and a pending event.
async fn fill_org(api: &Api, org: i64) {
    api.org(org).await;
    let at = (Utc::now() - TimeDelta::hours(1)).trunc_subsecs(3);
    let logs = (0..3).map(|number| {
        let log = log(org, number, at, DeliveryStatus::Failed, Some(5));
        let letter = (number == 0).then(|| letter(&log, DeadLetterStatus::PendingRetry));
        (log, letter)
    });
    record(api, logs).await;
    let decided: Vec<_> = (0..5_u64)
        .map(|position| {
            JournalEntry::Audit(EventAudit {
                source: SourceId::new("mysql"),
                event_id: EventId::new(format!("{org}-{position}")),
                position: org.unsigned_abs() * 100 + position,
                event_type: Some(EventType::new("order")),
                org_id: Some(OrgId(org)),
                entity_rid: None,
                decision: Decision::Skipped(SkipReason::NoMatch),
                matched: Vec::new(),
                detail: None,
                created_at: Some(at),
                decided_at: at,
                configuration_revision: 1,
                trace_id: "trace".to_owned(),
                expires_at: at + TimeDelta::days(90),
            })
        })
        .collect();
    api.store().await.journal().record(&decided).await.unwrap();
    let event = json!({"id": "e-1", "eventType": "order", "payload": {"patient": org}});
    let pushed = api.post(&format!("/events?orgId={org}"), event).await;
    assert_eq!(pushed.status, 202, "{pushed:?}");
    let job = JobKey {
        org_id: OrgId(org),
        id: integration_id(org.unsigned_abs()),
    };
    finished_run(&api.store().await, job, "Export").await;
}

async fn totals(api: &Api, org: i64) -> Vec<Value> {
    let mut totals = Vec::new();
    for (path, plural) in LISTS {
        let listed = api.get(&format!("{path}?orgId={org}")).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        assert_eq!(
            json!(listed.json[plural].as_array().map(Vec::len)),
            listed.json["total"],
            "{path}"
        );
        totals.push(listed.json["total"].clone());
    }
    totals
}

/// Waits until a number is free again.
pub(crate) async fn wait_until_deleted(api: &Api, org: i64) {
    eventually("nothing of it is left", async || {
        api.get(&format!("/admin/orgs/{org}/deletion")).await.json["status"] == "DONE"
    })
    .await;
}

#[tokio::test]
async fn reused_org_number_shows_no_data_of_the_previous_organisation() {
    let api = gateway().await;
    fill_org(&api, 10).await;
    fill_org(&api, 20).await;
    assert_eq!(json!(totals(&api, 10).await), json!([3, 3, 1, 5, 0, 0, 1, 0]));
    let dashboard = api.get("/dashboard?orgId=10").await;
    assert_eq!(dashboard.status, 200, "{dashboard:?}");
    let foreseen = api.get("/admin/orgs/10/deletion").await;
    assert_eq!(
        (foreseen.status, &foreseen.json["status"]),
        (200, &json!("NOT_DELETED")),
        "{foreseen:?}"
    );
    let remaining = &foreseen.json["remaining"];
    assert_eq!(
        [
            &remaining["logs"],
            &remaining["deadLetters"],
            &remaining["events"],
            &remaining["pushedEvents"]
        ],
        [&json!(3), &json!(1), &json!(5), &json!(1)],
        "{remaining}"
    );

    assert_eq!(api.delete("/admin/orgs/10").await.status, 204);
    let removing = api.get("/admin/orgs/10/deletion").await;
    assert_eq!(removing.json["status"], "REMOVING", "{removing:?}");
    let again = json!({"orgId": 10, "name": "Another"});
    let refused = api.post("/admin/orgs", again.clone()).await;
    assert_eq!(
        (refused.status, &refused.json["code"]),
        (409, &json!("CONFLICT")),
        "{refused:?}"
    );
    assert!(refused.text("/error").contains("/admin/orgs/10/deletion"), "{refused:?}");
    let unit = api.post("/admin/orgs/20/units", json!({"rid": 10, "name": "a unit"})).await;
    assert_eq!(unit.status, 409, "{unit:?}");
    // Work that was in flight is recorded late.
    let late = log(10, 99, Utc::now().trunc_subsecs(3), DeliveryStatus::Success, Some(5));
    record(&api, [(late, None)]).await;

    wait_until_deleted(&api, 10).await;
    let done = api.get("/admin/orgs/10/deletion").await.json;
    assert_eq!(
        (&done["removed"]["logs"], &done["removed"]["events"]),
        (&json!(4), &json!(5)),
        "{done}"
    );
    let left = done["remaining"].as_object().expect("an object");
    assert!(left.values().all(|count| *count == json!(0)), "{done}");
    let made = api.post("/admin/orgs", again).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(json!(totals(&api, 10).await), json!([0, 0, 0, 0, 0, 0, 0, 0]));
    let dashboard = api.get("/dashboard?orgId=10").await.json.to_string();
    assert!(!dashboard.contains("Hook"), "{dashboard}");
    let preview = json!({"integration": crate::api::minimal_integration(), "eventId": "e-1"});
    assert_eq!(api.post("/outbound-integrations/preview?orgId=10", preview).await.status, 404);
    let event = json!({"id": "e-1", "eventType": "order", "payload": {"patient": "another"}});
    let pushed = api.post("/events?orgId=10", event).await;
    assert_eq!(
        (pushed.status, &pushed.json["status"]),
        (202, &json!("ACCEPTED")),
        "{pushed:?}"
    );
    assert_eq!(
        json!(totals(&api, 20).await),
        json!([3, 3, 1, 5, 0, 0, 1, 0]),
        "the neighbour has all of its own"
    );
}

#[tokio::test]
async fn org_deletion_is_continued_by_another_gateway() {
    let api = gateway().await;
    fill_org(&api, 10).await;
    // The gateway stops before it has removed anything, and its lease ends with it.
    let claimed = api.store().await.org_deletions();
    assert_eq!(api.delete("/admin/orgs/10").await.status, 204);
    api.stop().await;
    let stolen = claimed.claim("somebody", Utc::now() + TimeDelta::minutes(1)).await.unwrap();
    assert!(stolen.is_some_and(|deletion| deletion.org_id == OrgId(10)));
    claimed.rest(OrgId(10), "somebody", Utc::now()).await.unwrap();
    let other = Api::start_with(Arc::clone(&api.database), |config| {
        config.organizations.number_hold_seconds = 1;
    })
    .await;
    wait_until_deleted(&other, 10).await;
    assert_eq!(other.post("/admin/orgs", json!({"orgId": 10, "name": "A"})).await.status, 201);
    assert_eq!(json!(totals(&other, 10).await), json!([0, 0, 0, 0, 0, 0, 0, 0]));
}
