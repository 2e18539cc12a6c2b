//! The runs of scheduled jobs, as people read them.

use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta, Utc};
use ig_core::clock::Timestamp;
use ig_core::header_lines::HeaderLines;
use ig_core::id::{OrgId, Rid};
use ig_core::integration::HttpMethod;
use ig_core::job::{
    DueFiring, Excerpt, JobKey, JobRun, JobSchedule, RunError, RunId, RunRequest, RunResponse, RunStage, RunSubject, StageResult,
    Timetable,
};
use ig_core::schedule::Zone;
use ig_store::{ClaimOutcome, RunClaim, Store};
use ig_testkit::builders::integration_id;
use serde_json::{Value, json};

use crate::api::{Api, key_for};

fn job(org: i64, number: u64) -> JobKey {
    JobKey {
        org_id: OrgId(org),
        id: integration_id(number),
    }
}

/// Plans a job, as a runner does.
pub(crate) async fn plan(store: &Store, key: JobKey) {
    let schedule = JobSchedule::read(&json!({"type": "INTERVAL", "intervalMs": 3_600_000})).unwrap();
    let timetable = Timetable {
        key,
        schedule: Some(&schedule),
        zone: Zone::default(),
        revision: 1,
    };
    store.job_states().ensure(&[timetable], Utc::now()).await.unwrap();
}

/// Begins a run of a job, which a claim holds.
pub(crate) async fn begun_run(store: &Store, key: JobKey, name: &str) -> JobRun {
    plan(store, key).await;
    let now = Utc::now().trunc_subsecs(3);
    let subject = RunSubject {
        key,
        tenant_id: Rid(key.org_id.0),
        name: name.to_owned(),
    };
    let idempotency_key = format!("{:x}", rand::random::<u64>());
    let run = JobRun::manual(subject, "ada@x.example", &idempotency_key, now + TimeDelta::days(90), now);
    let begun = store.job_states().claim_manual(&run, claim(now)).await.unwrap();
    assert!(matches!(begun, ClaimOutcome::Claimed(_)), "{begun:?}");
    run
}

fn claim(now: Timestamp) -> RunClaim<'static> {
    RunClaim {
        id: "claim",
        now,
        until: now + Duration::from_mins(5),
    }
}

/// Stores the end of a run.
pub(crate) async fn finish(store: &Store, run: &JobRun) {
    store.job_states().finish(run, None, claim(Utc::now())).await.unwrap();
}

/// A run that failed to deliver.
pub(crate) async fn finished_run(store: &Store, key: JobKey, name: &str) -> RunId {
    let mut run = begun_run(store, key, name).await;
    run.stages.data_fetch = Some(StageResult::Success);
    run.counts.records_fetched = 2;
    run.counts.batches = 1;
    run.data_fetched = Some(Excerpt::of(br#"[{"amount": 10.50}, {"amount": 9007199254740993}]"#));
    let headers = HeaderLines::read("content-type: application/json\nauthorization: ********".to_owned());
    let (url, body, curl) = ("https://receiver.invalid/".parse().unwrap(), b"[1]", "curl -d '[1]'");
    run.request = Some(RunRequest::new(HttpMethod::Post, url, &headers, Some(body), Some(curl)));
    run.response = Some(RunResponse::new(500, &headers, Some(b"sorry")));
    let error = RunError::new(
        RunStage::Delivery,
        &format!("{name} was answered with 500."),
        Some("at line 1"),
    );
    run.fail(error, Utc::now().trunc_subsecs(3));
    finish(store, &run).await;
    run.id
}

/// A stored job, and its key.
async fn stored_job(api: &Api, org: i64) -> (JobKey, String) {
    let body = json!({
        "name": "Export", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "CRON", "expression": "0 9 * * *"},
        "dataSource": {"type": "API", "url": "https://api.invalid/"},
    });
    let made = api.post(&format!("/scheduled-jobs?orgId={org}"), body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.text("/id");
    let key = JobKey {
        org_id: OrgId(org),
        id: id.parse().unwrap(),
    };
    (key, id)
}

#[tokio::test]
async fn job_log_shows_a_run_with_its_data_and_request() {
    let api = Api::start().await;
    api.org(10).await;
    let (key, id) = stored_job(&api, 10).await;
    let run = finished_run(&api.store().await, key, "Export").await;
    let read = api.get(&format!("/scheduled-job-logs/{run}?orgId=10")).await;
    assert_eq!(read.status, 200, "{read:?}");
    for (field, value) in [
        ("id", json!(run.to_string())),
        ("integrationConfigId", json!(id)),
        ("integrationName", json!("Export")),
        ("triggerType", json!("MANUAL")),
        ("triggeredBy", json!("ada@x.example")),
        ("status", json!("FAILED")),
        ("dataFetchStage", json!("SUCCESS")),
        ("deliveryStage", json!("FAILED")),
        ("recordsFetched", json!(2)),
        ("batches", json!(1)),
        ("curlCommand", json!("curl -d '[1]'")),
        (
            "errorContext",
            json!({"stage": "DELIVERY", "error": "Export was answered with 500.", "stack": "at line 1"}),
        ),
    ] {
        assert_eq!(read.json[field], value, "{field}");
    }
    assert_eq!(read.json["httpRequest"]["headers"]["authorization"], "********");
    assert_eq!(
        (&read.json["httpResponse"]["status"], &read.json["httpResponse"]["body"]),
        (&json!(500), &json!("sorry"))
    );
    let text = String::from_utf8_lossy(&read.bytes);
    assert!(
        text.contains("10.50") && text.contains("9007199254740993"),
        "numbers keep their digits: {text}"
    );
    let listed = api.get(&format!("/scheduled-jobs/{id}/logs?orgId=10")).await;
    let entry = &listed.json["logs"][0];
    assert_eq!(
        (&listed.json["total"], &entry["id"]),
        (&json!(1), &json!(run.to_string())),
        "{listed:?}"
    );
    for left_out in ["dataFetched", "curlCommand"] {
        assert_eq!(entry.get(left_out), None, "{left_out}");
    }
    assert_eq!(entry["httpRequest"].get("body"), None);
    assert_eq!(entry["errorContext"]["error"], read.json["errorContext"]["error"]);
}

#[tokio::test]
async fn job_log_of_another_organisation_is_not_found() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let (key, id) = stored_job(&api, 10).await;
    let run = finished_run(&api.store().await, key, "Export").await;
    let other = api.with_key(&key_for(&api, OrgId(20)).await);
    for path in [
        format!("/scheduled-job-logs/{run}"),
        format!("/scheduled-jobs/{id}/logs"),
        format!("/scheduled-jobs/{id}/next-runs"),
        "/scheduled-job-logs/nothing".to_owned(),
        "/scheduled-jobs/0123456789abcdef01234567/logs".to_owned(),
    ] {
        assert_eq!(other.get(&format!("{path}?orgId=20")).await.status, 404, "{path}");
        assert_eq!(other.get(&format!("{path}?orgId=10")).await.status, 403, "{path}");
    }
    assert_eq!(other.get("/scheduled-job-logs?orgId=20").await.json["total"], json!(0));
    let cancel = format!("/scheduled-jobs/{id}/runs/{run}/cancel?orgId=20");
    assert_eq!(other.post(&cancel, json!({})).await.status, 404);
}

/// How many jobs there are in [`thousand_runs`], and how many runs of each.
const JOBS: u64 = 25;
const RUNS: u64 = 40;

/// A thousand runs of several jobs, one each second, and their identifiers, the latest first. Every tenth succeeded, and the schedule
/// caused every fifth.
async fn thousand_runs(api: &Api, first: JobKey) -> Vec<String> {
    let (store, latest) = (api.store().await, Utc::now().trunc_subsecs(3) - TimeDelta::hours(1));
    let of_job = async |number: u64| {
        let key = if number == 0 { first } else { job(10, 1_000 + number) };
        plan(&store, key).await;
        let mut ids = Vec::new();
        for run in (number * RUNS)..((number + 1) * RUNS) {
            ids.push(past_run(&store, key, run, latest).await.to_string());
        }
        ids
    };
    let ids = futures::future::join_all((0..JOBS).map(of_job)).await;
    ids.into_iter().flatten().collect()
}

/// A run that began some seconds ago and has ended.
async fn past_run(store: &Store, key: JobKey, seconds: u64, latest: Timestamp) -> RunId {
    let began = latest - Duration::from_secs(seconds);
    let subject = RunSubject {
        key,
        tenant_id: Rid(key.org_id.0),
        name: "Export".to_owned(),
    };
    let kept = began + TimeDelta::days(90);
    let mut run = if seconds.is_multiple_of(5) {
        let firing = DueFiring {
            due_at: began,
            missed: 0,
            next_run: None,
        };
        JobRun::scheduled(subject, &firing, kept, began)
    } else {
        JobRun::manual(subject, "ada@x.example", &seconds.to_string(), kept, began)
    };
    let begun = store.job_states().claim_manual(&run, claim(Utc::now())).await.unwrap();
    assert!(matches!(begun, ClaimOutcome::Claimed(_)), "{begun:?}");
    if seconds.is_multiple_of(10) {
        run.succeed(began);
    } else {
        run.fail(RunError::new(RunStage::DataFetch, "It failed.", None), began);
    }
    finish(store, &run).await;
    run.id
}

async fn all_pages(api: &Api, path: &str) -> Vec<Value> {
    let mut logs = Vec::new();
    for page in 1.. {
        let listed = api.get(&format!("{path}&limit=300&page={page}")).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        logs.extend(listed.json["logs"].as_array().unwrap().clone());
        if listed.json["hasMore"] == json!(false) {
            break;
        }
    }
    logs
}

#[tokio::test]
async fn job_logs_of_a_thousand_runs_are_paged_without_loss() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let (key, id) = stored_job(&api, 10).await;
    let ids = thousand_runs(&api, key).await;
    finished_run(&api.store().await, job(20, 9), "Other").await;
    let all = "/scheduled-job-logs?orgId=10";
    let logs = all_pages(&api, all).await;
    let found: Vec<_> = logs.iter().map(|log| log["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(found, ids, "each once, the latest first");
    let of_job = format!("/scheduled-jobs/{id}/logs?orgId=10");
    for (filter, in_all, in_job) in [
        ("", 1_000, 40),
        ("&status=SUCCESS", 100, 4),
        ("&status=FAILED", 900, 36),
        ("&status=RUNNING", 0, 0),
        ("&triggerType=SCHEDULED", 200, 8),
        ("&triggerType=SCHEDULED&status=FAILED", 100, 4),
        ("&triggerType=MANUAL", 800, 32),
    ] {
        assert_eq!(all_pages(&api, &format!("{all}{filter}")).await.len(), in_all, "{filter}");
        assert_eq!(all_pages(&api, &format!("{of_job}{filter}")).await.len(), in_job, "{filter}");
        let by_filter = format!("{all}&integrationId={id}{filter}");
        assert_eq!(all_pages(&api, &by_filter).await.len(), in_job, "{filter}");
    }
    let middle = logs[500]["startedAt"].as_str().unwrap();
    assert_eq!(all_pages(&api, &format!("{all}&startDate={middle}")).await.len(), 501);
    assert_eq!(all_pages(&api, &format!("{all}&endDate={middle}")).await.len(), 499);
    for invalid in [
        "status=DONE",
        "triggerType=EVENT",
        "startDate=yesterday",
        "limit=501",
        "page=0",
        "job=x",
    ] {
        assert_eq!(api.get(&format!("{of_job}&{invalid}")).await.status, 400, "{invalid}");
    }
    assert_eq!(api.get("/scheduled-job-logs?orgId=10&integrationId=x").await.status, 400);
}
