//! Connections to databases: made by administrators, used by organisations.

use std::sync::Arc;

use ig_core::id::OrgId;
use ig_testkit::mongo::database;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::{Answer, Api, key_for, merged};
use crate::departures::wait_until_deleted;
use crate::job_runner::{FakeRunner, fault};

/// The marker in every password.
const MARK: &str = "planted7c1f";
const ADMIN: &str = "/admin/data-connections";
const ONE: &str = "/admin/data-connections/billing";

fn url() -> String {
    format!("mysql://reader:{MARK}@db.invalid:3306/his")
}

fn shown_url() -> &'static str {
    "mysql://reader:********@db.invalid:3306/his"
}

fn document() -> Value {
    json!({
        "name": "billing",
        "url": url(),
        "tables": [{"table": "bills", "tenantColumn": "entity_rid"}, {"table": "geo.countries", "shared": true}],
        "grants": [{"orgId": 10, "isDefault": true}, {"orgId": 20}],
    })
}

fn document_with(fields: Value) -> Value {
    merged(document(), fields)
}

fn sql_job(source: Value) -> Value {
    json!({
        "name": "Export", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
        "dataSource": merged(json!({"type": "SQL", "query": "SELECT 1"}), source),
    })
}

async fn with_orgs() -> (FakeRunner, Api) {
    let (runner, api) = FakeRunner::with_gateway().await;
    api.org(10).await;
    api.org(20).await;
    (runner, api)
}

fn assert_hidden(answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.bytes);
    assert!(!text.contains(MARK), "{text}");
}

#[tokio::test]
async fn data_connection_is_made_read_replaced_and_deleted_without_showing_its_password() {
    let (runner, api) = with_orgs().await;
    let made = api.post(ADMIN, document()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        (made.text("/id"), made.text("/url")),
        ("billing".to_owned(), shown_url().to_owned())
    );
    assert_eq!(made.json["tables"], document()["tables"]);
    let grants = json!([{"orgId": 10, "isDefault": true}, {"orgId": 20, "isDefault": false}]);
    assert_eq!(made.json["grants"], grants);
    assert_eq!(*runner.urls.lock(), [url()]);
    assert_eq!(made.headers["etag"], format!("\"{}\"", made.json["revision"]));

    // What was read can be sent back, and keeps the password.
    let read = api.get(ONE).await;
    assert_eq!((read.status, &read.json), (200, &made.json));
    let put = api.put(ONE, read.json.clone()).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(runner.urls.lock().len(), 1, "the address is the same");
    let opened = api.store().await.data_connections().open(&"billing".parse().unwrap()).await;
    assert_eq!(opened.unwrap().unwrap().url.expose(), url());

    let second = format!("mysql://reader:{MARK}-2@db.invalid:3306/his");
    let changed = merged(put.json.clone(), json!({"url": second, "tables": []}));
    let changed = api.put(ONE, changed).await;
    assert_eq!(
        (changed.status, changed.text("/url").as_str()),
        (200, shown_url()),
        "{changed:?}"
    );
    assert_eq!(runner.urls.lock().last(), Some(&second));
    let listed = api.get(&format!("{ADMIN}?search=BILL")).await;
    assert_eq!(
        (&listed.json["total"], &listed.json["dataConnections"][0]),
        (&json!(1), &changed.json)
    );
    let audited = api.get("/admin/audit-logs?kind=DATA_CONNECTION").await;
    assert_eq!(audited.json["total"], json!(3), "{audited:?}");
    let entry = api
        .get(&format!("/admin/audit-logs/{}", audited.text("/auditLogs/0/id")))
        .await;
    assert_eq!(
        (entry.text("/after/url").as_str(), &entry.json["after"]["urlChanged"]),
        (shown_url(), &json!(true))
    );
    assert_eq!(api.delete(ONE).await.status, 204);
    for answer in [made, read, put, changed, listed, audited, entry, api.get(ONE).await] {
        assert_hidden(&answer);
    }
    for (collection, stored) in api.database.everything().await {
        assert!(!stored.contains(MARK), "{collection}: {stored}");
    }
}

#[tokio::test]
async fn data_connection_mask_keeps_the_password_only_with_the_address_that_was_read() {
    let (runner, api) = with_orgs().await;
    let masked = api.post(ADMIN, document_with(json!({"url": shown_url()}))).await;
    assert_eq!((masked.status, masked.faults()), (400, vec!["/url"]), "{masked:?}");
    assert_eq!(api.post(ADMIN, document()).await.status, 201);
    for elsewhere in [
        "mysql://reader:********@attacker.invalid:3306/his",
        "mysql://reader:********@db.invalid:3307/his",
        "mysql://other:********@db.invalid:3306/his",
        "mysql://reader:********@db.invalid:3306/mysql",
        "mysql://reader:********@db.invalid:3306/his?prefer_socket=true",
    ] {
        let refused = api.put(ONE, document_with(json!({"url": elsewhere}))).await;
        assert_eq!(
            (refused.status, refused.faults()),
            (400, vec!["/url"]),
            "{elsewhere}: {refused:?}"
        );
        assert!(refused.text("/details/0/message").contains("given again"), "{refused:?}");
    }
    assert_eq!(*runner.urls.lock(), [url()], "the password went nowhere");
}

#[tokio::test]
async fn data_connection_whose_key_is_lost_needs_its_password_again() {
    let (runner, api) = with_orgs().await;
    let made = api.post(ADMIN, document()).await;
    let address = runner.serve().await;
    let other = Api::start_with(Arc::clone(&api.database), |config| {
        config.services.job_runner = address;
        config.secrets.keys = vec!["other:HwAeAR0CHAMbBBoFGQYYBxcIFgkVChQLEwwSDREOEA8=".to_owned()];
    })
    .await;
    assert_eq!(other.get(ONE).await.json, made.json, "it is shown");
    let kept = other.put(ONE, made.json.clone()).await;
    assert_eq!((kept.status, kept.faults()), (400, vec!["/url"]), "{kept:?}");
    let given = other.put(ONE, document()).await;
    assert_eq!(given.status, 200, "{given:?}");
    assert_eq!(runner.urls.lock().len(), 2, "an address that cannot be compared is checked");
    assert_eq!(other.put(ONE, given.json.clone()).await.status, 200);
}

#[tokio::test]
async fn data_connection_guards_against_lost_updates() {
    let (_runner, api) = with_orgs().await;
    let made = api.post(ADMIN, document()).await;
    assert_eq!(api.post(ADMIN, document()).await.status, 409);
    let changed = api.put(ONE, document_with(json!({"grants": []}))).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let lost = api.put(ONE, made.json.clone()).await;
    assert_eq!(lost.status, 412, "{lost:?}");
    for method in ["PUT", "DELETE"] {
        let stale = api
            .request(method, ONE)
            .header("content-type", "application/json")
            .header("if-match", made.headers["etag"].clone());
        let stale = api.send(stale, document().to_string().into()).await;
        assert_eq!(stale.status, 412, "{method} {stale:?}");
    }
    let renamed = api.put(ONE, document_with(json!({"name": "other"}))).await;
    assert_eq!((renamed.status, renamed.faults()), (400, vec!["/name"]));
    for missing in ["/admin/data-connections/nothing", "/admin/data-connections/%24ne"] {
        assert_eq!(api.put(missing, document()).await.status, 404);
        assert_eq!(api.delete(missing).await.status, 404);
    }
}

#[tokio::test]
async fn data_connection_default_is_unique_within_an_organisation() {
    let (_runner, api) = with_orgs().await;
    assert_eq!(api.post(ADMIN, document()).await.status, 201);
    let grants = json!([{"orgId": 20, "isDefault": true}, {"orgId": 10, "isDefault": true}]);
    let second = document_with(json!({"name": "second", "grants": grants}));
    let refused = api.post(ADMIN, second.clone()).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (409, vec!["/grants/1/isDefault"]),
        "{refused:?}"
    );
    let without = document_with(json!({"grants": [{"orgId": 10}]}));
    assert_eq!(api.put(ONE, without).await.status, 200);
    assert_eq!(api.post(ADMIN, second).await.status, 201);
}

#[tokio::test]
async fn data_connection_faults_are_reported_by_pointer() {
    let (runner, api) = with_orgs().await;
    let many = |count: i64| (0..count).map(|org| json!({"orgId": org + 1})).collect::<Vec<_>>();
    let tables = |count: usize| {
        (0..count)
            .map(|at| json!({"table": format!("t{at}"), "shared": true}))
            .collect::<Vec<_>>()
    };
    for (fields, places) in [
        (json!({"name": "Billing"}), vec!["/name"]),
        (json!({"name": null}), vec!["/name"]),
        (json!({"url": "postgres://u:p@h/d"}), vec!["/url"]),
        (json!({"url": format!("mysql://u:{MARK}/x@h/d")}), vec!["/url"]),
        (json!({"url": format!("mysql://u:p@h/{}", "d".repeat(3_000))}), vec!["/url"]),
        (json!({"url": 7}), vec!["/url"]),
        (json!({"tables": [{"table": "bills"}]}), vec!["/tables/0/tenantColumn"]),
        (
            json!({"tables": [{"table": "bills", "shared": false}]}),
            vec!["/tables/0/tenantColumn"],
        ),
        (
            json!({"tables": [{"table": "bills", "shared": true, "tenantColumn": "rid"}]}),
            vec!["/tables/0/shared"],
        ),
        (
            json!({"tables": [{"table": "mysql.user", "shared": true}, {"table": "b`s", "tenantColumn": "a'b"}]}),
            vec!["/tables/0/table", "/tables/1/table", "/tables/1/tenantColumn"],
        ),
        (
            json!({"tables": [{"table": "a", "shared": true}, {"table": "a", "shared": true}]}),
            vec!["/tables/1/table"],
        ),
        (json!({"tables": tables(501)}), vec!["/tables"]),
        (
            json!({"tables": [{"table": "a", "shared": true, "$where": 1}]}),
            vec!["/tables/0/$where"],
        ),
        (
            json!({"grants": [{"orgId": 99}, {"orgId": 10}, {"orgId": 98}]}),
            vec!["/grants/0/orgId", "/grants/2/orgId"],
        ),
        (json!({"grants": [{"orgId": 10}, {"orgId": 10}]}), vec!["/grants/1/orgId"]),
        (json!({"grants": [{"orgId": 0}]}), vec!["/grants/0/orgId"]),
        (json!({"grants": [{"orgId": {"$gt": 0}}]}), vec!["/grants/0/orgId"]),
        (json!({"grants": many(10_001)}), vec!["/grants"]),
        (json!({"unknown": 1}), vec!["/unknown"]),
    ] {
        let answer = api.post(ADMIN, document_with(fields.clone())).await;
        let fields: String = fields.to_string().chars().take(100).collect();
        assert_eq!((answer.status, answer.faults()), (400, places), "{fields}: {answer:?}");
        assert_hidden(&answer);
    }
    let unknown = api.post(ADMIN, document_with(json!({"grants": many(10_000)}))).await;
    assert_eq!(
        (unknown.status, unknown.faults().len()),
        (400, 100),
        "at most a hundred are listed"
    );
    *runner.connection_faults.lock() = vec![fault("/user", "may write to bills"), fault("", "has the right FILE")];
    let refused = api.post(ADMIN, document()).await;
    assert_eq!((refused.status, refused.faults()), (400, vec!["/url", "/url"]), "{refused:?}");
    assert_eq!(api.get(ADMIN).await.json["total"], json!(0));
}

#[tokio::test]
async fn data_connection_is_not_made_unchecked_while_no_runner_is_there() {
    let api = Api::start_with(Arc::new(database()), |config| {
        config.services.job_runner = "127.0.0.1:1".to_owned();
    })
    .await;
    api.org(10).await;
    let away = api.post(ADMIN, document_with(json!({"grants": [{"orgId": 10}]}))).await;
    assert_eq!(away.status, 503, "{away:?}");
    assert!(away.headers.contains_key("retry-after"));
    assert_hidden(&away);
    assert_eq!(api.get(ADMIN).await.json["total"], json!(0));
}

#[tokio::test]
async fn data_connection_in_use_cannot_be_deleted() {
    let (_runner, api) = with_orgs().await;
    assert_eq!(api.post(ADMIN, document()).await.status, 201);
    for (org, source) in [(10, json!({})), (20, json!({"connection": "billing"}))] {
        let job = api.post(&format!("/scheduled-jobs?orgId={org}"), sql_job(source)).await;
        assert_eq!(job.status, 201, "{job:?}");
        let used = api.delete(ONE).await;
        assert_eq!(used.status, 409, "{used:?}");
        assert!(used.text("/error").contains(&job.text("/id")), "{used:?}");
        let path = format!("/scheduled-jobs/{}?orgId={org}", job.text("/id"));
        assert_eq!(api.delete(&path).await.status, 204);
    }
    // Neither a job that means another connection nor one of an organisation without a grant holds it up.
    api.org(30).await;
    for (org, source) in [
        (10, json!({"connection": "other"})),
        (20, json!({})),
        (30, json!({"connection": "billing"})),
    ] {
        let job = api.post(&format!("/scheduled-jobs?orgId={org}"), sql_job(source)).await;
        assert_eq!(job.status, 201, "{job:?}");
    }
    assert_eq!(api.delete(ONE).await.status, 204);
}

#[tokio::test]
async fn organisation_sees_the_connections_that_it_may_use_and_not_their_addresses() {
    let (_runner, api) = with_orgs().await;
    assert_eq!(api.post(ADMIN, document()).await.status, 201);
    let foreign = document_with(json!({"name": "foreign", "grants": [{"orgId": 20, "isDefault": true}]}));
    assert_eq!(api.post(ADMIN, foreign).await.status, 201);
    let tenant = api.with_key(&key_for(&api, OrgId(10)).await);
    let listed = tenant.get("/data-connections?orgId=10").await;
    let expected = json!([{"name": "billing", "tables": document()["tables"], "isDefault": true}]);
    assert_eq!(
        (listed.status, &listed.json["dataConnections"]),
        (200, &expected),
        "{listed:?}"
    );
    let text = String::from_utf8_lossy(&listed.bytes);
    assert!(
        !text.contains("db.invalid") && !text.contains("foreign") && !text.contains("20"),
        "{text}"
    );
    assert_eq!(tenant.get("/data-connections?orgId=20").await.status, 403);
    assert_eq!(tenant.get(ADMIN).await.status, 403);
    let other = api.get("/data-connections?orgId=20&limit=1").await;
    assert_eq!(
        (&other.json["total"], &other.json["hasMore"]),
        (&json!(2), &json!(true)),
        "{other:?}"
    );
}

#[tokio::test]
async fn reused_org_number_has_no_grants_of_the_previous_organisation() {
    let runner = FakeRunner::default();
    let address = runner.serve().await;
    let api = Api::start_with(Arc::new(database()), |config| {
        config.organizations.number_hold_seconds = 1;
        config.services.job_runner = address;
    })
    .await;
    api.org(10).await;
    api.org(20).await;
    assert_eq!(api.post(ADMIN, document()).await.status, 201);
    assert_eq!(api.delete("/admin/orgs/10").await.status, 204);
    wait_until_deleted(&api, 10).await;
    eventually("the number is free", async || {
        api.post("/admin/orgs", json!({"orgId": 10, "name": "Another"})).await.status == 201
    })
    .await;
    assert_eq!(api.get("/data-connections?orgId=10").await.json["total"], json!(0));
    assert_eq!(api.get(ONE).await.json["grants"], json!([{"orgId": 20, "isDefault": false}]));
}
