//! What people do with jobs: run, cancel, switch, and set watermarks.

use std::sync::Arc;

use chrono::{DateTime, Timelike as _, Utc};
use ig_core::id::OrgId;
use ig_core::job::JobKey;
use ig_testkit::mongo::database;
use serde_json::{Value, json};
use tonic::Status;

use crate::api::{Answer, Api, key_for, log_in, merged, user};
use crate::job_logs::{begun_run, finish, plan};
use crate::job_runner::{FakeRunner, fault};

/// The marker in every secret.
const MARK: &str = "planted7c1f";

pub(crate) fn sql_job() -> Value {
    json!({
        "name": "Export", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "CRON", "expression": "0 9 * * *"},
        "dataSource": {"type": "SQL", "query": "SELECT id FROM bills WHERE id > {{job.watermark}}"},
        "watermark": {"field": "id", "initial": "0"},
    })
}

pub(crate) fn api_source() -> Value {
    json!({"type": "API", "url": "https://api.invalid/bills", "headers": {"Authorization": format!("Bearer {MARK}"), "X-Plain": "p"}})
}

pub(crate) async fn create(api: &Api, body: Value) -> String {
    let made = api.post("/scheduled-jobs?orgId=10", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("/id")
}

fn key(id: &str) -> JobKey {
    JobKey {
        org_id: OrgId(10),
        id: id.parse().unwrap(),
    }
}

pub(crate) async fn with_org() -> (FakeRunner, Api) {
    let (runner, api) = FakeRunner::with_gateway().await;
    api.org(10).await;
    (runner, api)
}

async fn run(api: &Api, id: &str, idempotency_key: Option<&str>) -> Answer {
    let mut request = api.request("POST", &format!("/scheduled-jobs/{id}/run?orgId=10"));
    if let Some(key) = idempotency_key {
        request = request.header("idempotency-key", key);
    }
    api.send(request, axum::body::Body::empty()).await
}

#[tokio::test]
async fn job_runs_now_once_for_each_idempotency_key() {
    let (runner, api) = with_org().await;
    let id = create(&api, sql_job()).await;
    let (first, again) = (run(&api, &id, Some("k-1")).await, run(&api, &id, Some("k-1")).await);
    assert_eq!((first.status, again.status), (202, 202), "{first:?}");
    assert_eq!(first.text("/logId"), again.text("/logId"));
    assert_eq!(first.text("/startedAt"), "1970-01-01T00:00:00Z");
    let (one, other) = (run(&api, &id, None).await, run(&api, &id, None).await);
    assert_ne!(one.text("/logId"), other.text("/logId"));
    user(&api, "ada@x.example", json!({"orgId": 10, "access": "WRITE"})).await;
    let person = api.with_token(&log_in(&api, "ada@x.example").await);
    assert_eq!(run(&person, &id, None).await.status, 202);
    let asked = runner.runs.lock().last().cloned().unwrap();
    assert_eq!(
        (asked.org_id, asked.job_id.as_str(), asked.requested_by.as_str()),
        (10, id.as_str(), "ada@x.example")
    );
    let long = "k".repeat(201);
    for invalid in ["", "é", long.as_str()] {
        let refused = run(&api, &id, Some(invalid)).await;
        assert_eq!(
            (refused.status, &refused.json["details"][0]["parameter"]),
            (400, &json!("Idempotency-Key")),
            "{invalid}"
        );
    }
    assert_eq!(runner.runs.lock().len(), 5);
}

#[tokio::test]
async fn job_of_another_organisation_cannot_be_run() {
    let (runner, api) = with_org().await;
    api.org(20).await;
    let id = create(&api, sql_job()).await;
    let other = api.with_key(&key_for(&api, OrgId(20)).await);
    for path in ["run", "enable", "disable"] {
        let path = format!("/scheduled-jobs/{id}/{path}?orgId=20");
        assert_eq!(other.post(&path, json!({})).await.status, 404, "{path}");
    }
    let watermark = format!("/scheduled-jobs/{id}/watermark?orgId=20");
    assert_eq!(other.put(&watermark, json!({"value": 1})).await.status, 404);
    let test = json!({"id": id, "dataSource": {"type": "SQL", "query": "SELECT 1"}});
    assert_eq!(other.post("/scheduled-jobs/test-datasource?orgId=20", test).await.status, 404);
    let foreign_tenant = json!({"tenantId": 10, "dataSource": {"type": "SQL", "query": "SELECT 1"}});
    let foreign = other.post("/scheduled-jobs/test-datasource?orgId=20", foreign_tenant).await;
    assert_eq!((foreign.status, foreign.faults()), (400, vec!["/tenantId"]));
    assert!(runner.runs.lock().is_empty() && runner.tests.lock().is_empty());
}

#[tokio::test]
async fn job_run_refusals_of_the_runner_reach_the_caller() {
    let (runner, api) = with_org().await;
    let id = create(&api, sql_job()).await;
    for (refusal, status, said) in [
        (Status::not_found("no such job"), 409, "try again"),
        (Status::aborted("A run is under way"), 409, "A run is under way"),
        (Status::already_exists("It is running"), 409, "It is running"),
        (Status::unavailable("draining"), 503, "No job-runner"),
        (Status::unimplemented("not yet"), 503, "No job-runner"),
    ] {
        *runner.refusal.lock() = Some(refusal);
        let answer = run(&api, &id, None).await;
        assert!(answer.status == status && answer.text("/error").contains(said), "{answer:?}");
    }
}

#[tokio::test]
async fn job_run_is_cancelled_by_name_whether_or_not_a_runner_is_told() {
    for is_there in [true, false] {
        let runner = FakeRunner::default();
        let address = if is_there {
            runner.serve().await
        } else {
            "127.0.0.1:1".to_owned()
        };
        let api = Api::start_with(Arc::new(database()), |config| config.services.job_runner = address).await;
        api.org(10).await;
        let (id, other) = (create(&api, sql_job()).await, create(&api, sql_job()).await);
        let store = api.store().await;
        let mut begun = begun_run(&store, key(&id), "Export").await;
        let cancel = |job: &str| format!("/scheduled-jobs/{job}/runs/{}/cancel?orgId=10", begun.id);
        assert_eq!(
            api.post(&cancel(&other), json!({})).await.status,
            404,
            "the run is another job's"
        );
        let path = cancel(&id);
        let answer = api.post(&path, json!({})).await;
        assert_eq!(
            (answer.status, &answer.json),
            (200, &json!({"wasRunning": true})),
            "{answer:?}"
        );
        assert_eq!(runner.cancelled.lock().len(), usize::from(is_there));
        let state = store.job_states().get(key(&id)).await.unwrap().unwrap();
        let requested = state.running.unwrap().cancel.unwrap();
        assert!(!requested.by.is_empty());
        begun.cancel(Utc::now());
        finish(&store, &begun).await;
        let ended = api.post(&path, json!({})).await;
        assert_eq!((ended.status, &ended.json), (200, &json!({"wasRunning": false})), "{ended:?}");
    }
}

#[tokio::test]
async fn next_runs_follow_the_schedule_in_the_organisations_zone() {
    let api = Api::start().await;
    let org = json!({"orgId": 10, "name": "Clinic", "timezone": "Asia/Kolkata"});
    assert_eq!(api.post("/admin/orgs", org).await.status, 201);
    let id = create(&api, sql_job()).await;
    let stored = api.get(&format!("/scheduled-jobs/{id}/next-runs?orgId=10")).await;
    let given = json!({"schedule": {"type": "CRON", "expression": "0 9 * * *"}});
    let given = api.post("/scheduled-jobs/next-runs?orgId=10", given).await;
    for answer in [stored, given] {
        assert_eq!(answer.status, 200, "{answer:?}");
        let times: Vec<DateTime<Utc>> = serde_json::from_value(answer.json["occurrences"].clone()).unwrap();
        assert_eq!(times.len(), 5);
        assert!(times.is_sorted() && times[0] > Utc::now());
        assert!(
            times.iter().all(|time| (time.hour(), time.minute()) == (3, 30)),
            "09:00 in Kolkata: {times:?}"
        );
    }
    let own_zone = json!({"schedule": {"type": "CRON", "expression": "0 9 * * *", "timezone": "UTC"}});
    let own_zone = api.post("/scheduled-jobs/next-runs?orgId=10", own_zone).await;
    assert!(own_zone.text("/occurrences/0").contains("T09:00:00"), "{own_zone:?}");
    for (body, place) in [
        (
            json!({"schedule": {"type": "CRON", "expression": "never"}}),
            "/schedule/expression",
        ),
        (
            json!({"schedule": {"type": "INTERVAL", "intervalMs": 5}}),
            "/schedule/intervalMs",
        ),
        (
            json!({"schedule": {"type": "INTERVAL", "intervalMs": 60_000}, "tenantId": 77}),
            "/tenantId",
        ),
        (json!({}), "/schedule"),
    ] {
        let refused = api.post("/scheduled-jobs/next-runs?orgId=10", body).await;
        assert_eq!((refused.status, refused.faults()), (400, vec![place]), "{refused:?}");
    }
    let leap_day = json!({"schedule": {"type": "CRON", "expression": "0 0 30 2 *"}});
    let never = api.post("/scheduled-jobs/next-runs?orgId=10", leap_day).await;
    assert!(never.status == 400 || never.json["occurrences"] == json!([]), "{never:?}");
}

#[tokio::test]
async fn job_is_paused_and_enabled_with_a_hold() {
    let (_runner, api) = with_org().await;
    let id = create(&api, sql_job()).await;
    let path = |verb: &str| format!("/scheduled-jobs/{id}/{verb}?orgId=10");
    let paused = api.post(&path("disable"), json!({})).await;
    assert_eq!(
        (paused.status, &paused.json["isActive"], &paused.json["hold"]["cause"]),
        (200, &json!(false), &json!("PAUSED")),
        "{paused:?}"
    );
    let again = api.post(&path("disable"), json!({})).await;
    assert_eq!(again.json["hold"], paused.json["hold"], "it keeps its hold");
    let stale = api
        .request("POST", &path("enable"))
        .header("if-match", paused.headers["etag"].clone());
    assert_eq!(api.send(stale, axum::body::Body::empty()).await.status, 412);
    let enabled = api.post(&path("enable"), json!({})).await;
    assert_eq!(
        (&enabled.json["isActive"], enabled.json.get("hold")),
        (&json!(true), None),
        "{enabled:?}"
    );
    let history = api.get(&format!("/versions/scheduled-jobs/{id}?orgId=10")).await;
    assert_eq!(history.json["total"], json!(4), "{history:?}");
}

#[tokio::test]
async fn job_shows_its_state_which_no_document_changes() {
    let (_runner, api) = with_org().await;
    let id = create(&api, sql_job()).await;
    let path = format!("/scheduled-jobs/{id}?orgId=10");
    let new = api.get(&path).await;
    for absent in ["nextRun", "lastRun", "lastStatus", "currentWatermark"] {
        assert_eq!(new.json.get(absent), None, "{absent}");
    }
    let watermark = format!("/scheduled-jobs/{id}/watermark?orgId=10");
    assert_eq!(
        api.put(&watermark, json!({"value": 7})).await.status,
        409,
        "no runner has planned it"
    );
    let store = api.store().await;
    plan(&store, key(&id)).await;
    let set = api.put(&watermark, json!({"value": 9_007_199_254_740_993_i64})).await;
    assert_eq!((set.status, set.text("/name").as_str()), (200, "Export"), "{set:?}");
    assert!(
        String::from_utf8_lossy(&set.bytes).contains("\"currentWatermark\":9007199254740993"),
        "{set:?}"
    );
    let mut run = begun_run(&store, key(&id), "Export").await;
    assert_eq!(api.get(&path).await.json["lastStatus"], "RUNNING");
    run.succeed(Utc::now());
    finish(&store, &run).await;
    let read = api.get(&path).await;
    assert_eq!(read.json["lastStatus"], "SUCCESS", "{read:?}");
    assert!(
        read.json["nextRun"].is_string() && read.json["lastRun"].is_string(),
        "{read:?}"
    );
    let listed = api.get("/scheduled-jobs?orgId=10").await;
    assert_eq!(listed.json["jobs"][0], read.json);

    let mut changed = read.json.clone();
    changed["nextRun"] = json!("2001-01-01T00:00:00Z");
    changed["currentWatermark"] = json!({"$gt": 1});
    let put = api.put(&path, changed).await;
    assert_eq!((put.status, &put.json["nextRun"]), (200, &read.json["nextRun"]), "{put:?}");
    let patched = api.patch(&path, json!({"lastStatus": "FAILED", "name": "Renamed"})).await;
    assert_eq!(
        (&patched.json["lastStatus"], patched.text("/name").as_str()),
        (&json!("SUCCESS"), "Renamed"),
        "{patched:?}"
    );
    let exported = api.get("/configuration?orgId=10").await;
    assert!(
        !String::from_utf8_lossy(&exported.bytes).contains("currentWatermark"),
        "{exported:?}"
    );

    for (value, status) in [
        (json!("2026-02-04T09:00:00Z"), 200),
        (json!(true), 400),
        (json!({"$gt": 1}), 400),
        (json!([1]), 400),
        (json!("w".repeat(2_000)), 400),
    ] {
        let answer = api.put(&watermark, json!({"value": value})).await;
        assert_eq!(answer.status, status, "{value}: {answer:?}");
    }
    let removed = api.put(&watermark, json!({"value": null})).await;
    assert_eq!(
        (removed.status, removed.json.get("currentWatermark")),
        (200, None),
        "{removed:?}"
    );
    let unmarked = api.patch(&path, json!({"watermark": null})).await;
    assert_eq!(unmarked.status, 200, "{unmarked:?}");
    assert_eq!(
        api.put(&watermark, json!({"value": 1})).await.status,
        409,
        "it has no watermark any more"
    );
}

#[tokio::test]
async fn job_with_a_source_that_a_runner_refuses_is_not_saved_by_any_way() {
    let (runner, api) = with_org().await;
    let id = create(&api, sql_job()).await;
    *runner.source_faults.lock() = vec![fault("/query", "reads the table users, which the connection does not allow")];
    let path = format!("/scheduled-jobs/{id}?orgId=10");
    let template = json!({"name": "T", "direction": "SCHEDULED", "definition": sql_job()});
    let template = api.post("/templates?orgId=10", template).await;
    assert_eq!(template.status, 201, "{template:?}");
    let apply = format!("/templates/{}/apply?orgId=10", template.text("/id"));
    for answer in [
        api.post("/scheduled-jobs?orgId=10", sql_job()).await,
        api.put(&path, sql_job()).await,
        api.patch(&path, json!({"name": "Renamed"})).await,
        api.post(&apply, json!({})).await,
    ] {
        assert_eq!(
            (answer.status, answer.faults()),
            (400, vec!["/dataSource/query"]),
            "{answer:?}"
        );
    }
    let bundle = json!({"version": 1, "scheduledJobs": [sql_job()]});
    let planned = api.post("/configuration/apply?orgId=10", bundle).await;
    assert!((400..500).contains(&planned.status), "{planned:?}");
    assert_eq!(runner.sources.lock().last().unwrap().org_id, 10);
    let checked = runner.sources.lock().len();
    let other = merged(sql_job(), json!({"dataSource": api_source(), "watermark": null}));
    assert_eq!(api.post("/scheduled-jobs?orgId=10", other).await.status, 201);
    assert_eq!(
        runner.sources.lock().len(),
        checked,
        "a source that is not SQL is not asked about"
    );
}

#[tokio::test]
async fn job_source_that_a_runner_cannot_check_leaves_other_organisations_checked() {
    let (runner, api) = with_org().await;
    api.org(20).await;
    *runner.refusal.lock() = Some(Status::deadline_exceeded("the deadline has passed"));
    create(&api, sql_job()).await;
    *runner.refusal.lock() = None;
    *runner.source_faults.lock() = vec![fault("/query", "is wrong")];
    let other = api.post("/scheduled-jobs?orgId=20", sql_job()).await;
    assert_eq!((other.status, other.faults()), (400, vec!["/dataSource/query"]), "{other:?}");
}

#[tokio::test]
async fn job_is_saved_unchecked_while_no_runner_is_there() {
    let api = Api::start_with(Arc::new(database()), |config| {
        config.services.job_runner = "127.0.0.1:1".to_owned();
    })
    .await;
    api.org(10).await;
    let id = create(&api, sql_job()).await;
    create(&api, sql_job()).await;
    let away = run(&api, &id, None).await;
    assert_eq!(away.status, 503, "{away:?}");
    assert!(away.headers.contains_key("retry-after"));
}
