//! Lookup rows over HTTP.

use std::time::Duration;

use axum::body::Body;
use ig_core::configuration::{Change, RevisedChange};
use ig_core::id::{LookupType, OrgId};
use ig_proto::v1::WatchRequest;
use ig_proto::v1::config_service_client::ConfigServiceClient;
use ig_proto::v1::watch_response::Step;
use serde_json::{Value, json};

use crate::api::{Answer, Api, key_for};

/// A gateway with organisations 10 and 20, each with a unit.
pub(crate) async fn fresh() -> Api {
    let api = Api::start().await;
    for org in [10, 20] {
        api.org(org).await;
        api.unit(org, org + 1).await;
    }
    api
}

fn ward(source: &str, target: &str) -> Value {
    json!({"type": "WARD", "source": {"id": source, "name": format!("Ward {source}")}, "target": {"id": target, "beds": 4}})
}

async fn create_row(api: &Api, body: Value) -> String {
    let made = api.post("/lookups?orgId=10", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("/id")
}

pub(crate) async fn resolved(api: &Api, org: i64, question: Value) -> Value {
    let answer = api.post(&format!("/lookups/resolve?orgId={org}"), question).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json
}

fn codes(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.json["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn lookup_row_is_created_read_changed_and_deleted() {
    let api = fresh().await;
    let id = create_row(&api, ward("1", "W-1")).await;
    let path = format!("/lookups/{id}?orgId=10");
    let read = api.get(&path).await;
    assert_eq!(read.json["source"], json!({"id": "1", "name": "Ward 1"}));
    assert_eq!(read.json["target"], json!({"id": "W-1", "beds": 4}));
    assert_eq!((&read.json["isActive"], &read.json["revision"]), (&json!(true), &json!(1)));
    let patched = api
        .patch(
            &path,
            json!({"target": {"beds": null, "floor": 2}, "tenantId": 11, "isActive": false}),
        )
        .await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.json["target"], json!({"id": "W-1", "floor": 2}));
    assert_eq!(
        (&patched.json["tenantId"], &patched.json["isActive"]),
        (&json!(11), &json!(false))
    );
    let put = api.put(&path, ward(" 2 ", "W-2")).await;
    assert_eq!(put.json["source"]["id"], "2");
    assert_eq!((&put.json["tenantId"], &put.json["isActive"]), (&Value::Null, &json!(true)));
    assert_eq!(put.json["revision"], json!(3));
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.status, 404);
}

#[tokio::test]
async fn duplicate_lookup_source_is_a_conflict_that_names_the_existing_row() {
    let api = fresh().await;
    let id = create_row(&api, ward("1", "a")).await;
    let rival = api.post("/lookups?orgId=10", ward("1", "b")).await;
    assert_eq!(codes(&rival), (409, "CONFLICT"));
    assert!(rival.json["error"].as_str().unwrap().contains(&id), "{rival:?}");
    let mut of_unit = ward("1", "b");
    of_unit["tenantId"] = json!(11);
    create_row(&api, of_unit).await;
    let mut asleep = ward("1", "b");
    asleep["isActive"] = json!(false);
    let asleep = create_row(&api, asleep).await;
    let woken = api
        .patch(&format!("/lookups/{asleep}?orgId=10"), json!({"isActive": true}))
        .await;
    assert_eq!(codes(&woken), (409, "CONFLICT"));
    assert!(woken.json["error"].as_str().unwrap().contains(&id), "{woken:?}");
}

#[tokio::test]
async fn stale_lookup_row_is_not_overwritten() {
    let api = fresh().await;
    let id = create_row(&api, ward("1", "a")).await;
    let path = format!("/lookups/{id}?orgId=10");
    assert_eq!(api.patch(&path, json!({"target": {"id": "b"}})).await.status, 200);
    let stale = |method| {
        api.request(method, &path)
            .header("if-match", "\"1\"")
            .header("content-type", "application/json")
    };
    for (method, body) in [
        ("PATCH", "{}"),
        ("PUT", r#"{"type":"W","source":{"id":"1"},"target":{"id":"1"}}"#),
        ("DELETE", ""),
    ] {
        let answer = api.send(stale(method), Body::from(body)).await;
        assert_eq!(codes(&answer), (412, "PRECONDITION_FAILED"), "{method}");
    }
    assert_eq!(codes(&api.patch(&path, json!({"revision": 1})).await).0, 412);
    assert_eq!(
        api.patch(&path, json!({"revision": 2, "target": {"id": "c"}})).await.status,
        200
    );
}

#[tokio::test]
async fn lookup_row_faults_are_all_reported_by_place() {
    let api = fresh().await;
    let table = [
        (json!({}), vec!["/source", "/target"]),
        (json!({"source": {"id": "1"}, "target": {"id": "1"}}), vec!["/type"]),
        (
            json!({"type": " A", "source": {"id": " "}, "target": {"id": "1", "a": "\u{0}"}, "tenantId": -1}),
            vec!["/source/id", "/tenantId", "/type"],
        ),
        (
            json!({"type": "A", "source": {"id": 1}, "target": {"id": "1", "list": []}, "x": 1}),
            vec!["/source/id", "/target/list", "/x"],
        ),
        (
            json!({"type": "A", "source": {"id": "x".repeat(501)}, "target": {"id": "1"}}),
            vec!["/source/id"],
        ),
        (
            json!({"type": "A", "source": {"id": "1"}, "target": {"id": "1"}, "tenantId": 21}),
            vec!["/tenantId"],
        ),
    ];
    for (body, places) in table {
        let answer = api.post("/lookups?orgId=10", body.clone()).await;
        assert_eq!((answer.status, answer.faults()), (400, places), "{body} {answer:?}");
    }
    let parameters = ["isActive=maybe", "tenantId=x", "page=0", "limit=501"];
    for parameter in parameters {
        assert_eq!(
            api.get(&format!("/lookups?orgId=10&{parameter}")).await.status,
            400,
            "{parameter}"
        );
    }
}

#[tokio::test]
async fn lookup_rows_of_another_organisation_are_unreachable() {
    let api = fresh().await;
    let id = create_row(&api, ward("1", "a")).await;
    let path = format!("/lookups/{id}?orgId=20");
    for (method, body) in [
        ("GET", Value::Null),
        ("PUT", ward("1", "b")),
        ("PATCH", json!({})),
        ("DELETE", Value::Null),
    ] {
        assert_eq!(codes(&api.json(method, &path, body).await), (404, "NOT_FOUND"), "{method}");
    }
    let theirs = json!({"type": "WARD", "value": "1"});
    assert_eq!(resolved(&api, 20, theirs.clone()).await["isMapped"], json!(false));
    assert_eq!(api.get("/lookups?orgId=20").await.json["total"], json!(0));
    let backwards = api
        .post("/lookups/reverse?orgId=20", json!({"type": "WARD", "value": "a"}))
        .await;
    assert_eq!(backwards.json["lookups"], json!([]));
    assert_eq!(api.get("/lookups/types?orgId=20").await.json["types"], json!([]));
    let deleted = api.post("/lookups/bulk/delete?orgId=20", json!({"ids": [id]})).await;
    assert_eq!(deleted.json["deleted"], json!(0));
    let deleted = api.post("/lookups/bulk/delete?orgId=20", json!({"type": "WARD"})).await;
    assert_eq!(deleted.json["deleted"], json!(0));
    let replaced = json!({"replace": true, "lookups": [ward("9", "z")]});
    assert_eq!(api.post("/lookups/bulk?orgId=20", replaced).await.status, 200);
    assert_eq!(resolved(&api, 10, theirs).await["target"]["id"], "a");
    let foreign = api.with_key(&key_for(&api, OrgId(20)).await);
    assert_eq!(foreign.get("/lookups?orgId=10").await.status, 403);
    let asked = api
        .post(
            "/lookups/resolve?orgId=20",
            json!({"type": "WARD", "value": "1", "tenantId": 11}),
        )
        .await;
    assert_eq!(asked.faults(), ["/tenantId"]);
}

#[tokio::test]
async fn lookup_values_are_resolved_one_by_one_and_in_batches() {
    let api = fresh().await;
    let mut of_unit = ward("1", "unit");
    of_unit["tenantId"] = json!(11);
    let batch = json!({"lookups": [ward("1", "org"), of_unit, ward("7", "seven")]});
    let put = api.post("/lookups/bulk?orgId=10", batch).await;
    assert_eq!(put.json, json!({"created": 3, "updated": 0, "unchanged": 0, "removed": 0}));
    let questions = json!([
        {"type": "WARD", "value": "1", "tenantId": 11},
        {"type": "WARD", "value": 7, "tenantId": 11},
        {"type": "WARD", "value": " 1 "},
        {"type": "WARD", "value": "8"},
        {"type": "ELSE", "value": "1"},
    ]);
    let answer = resolved(&api, 10, questions).await;
    let targets: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["target"]["id"])
        .collect();
    assert_eq!(
        targets,
        [&json!("unit"), &json!("seven"), &json!("org"), &Value::Null, &Value::Null]
    );
    let backwards = api
        .post(
            "/lookups/reverse?orgId=10",
            json!([{"type": "WARD", "value": "org"}, {"type": "WARD", "value": "org", "tenantId": 11}]),
        )
        .await;
    assert_eq!(backwards.json["results"][0]["lookups"][0]["source"]["id"], "1");
    assert_eq!(
        backwards.json["results"][1]["lookups"],
        json!([]),
        "the unit maps it otherwise"
    );
    let wrong = json!([{"type": "", "value": "1"}, {"type": "A", "value": null}, {"value": "1"}, {"type": "A", "value": [1]}]);
    let wrong = api.post("/lookups/resolve?orgId=10", wrong).await;
    assert_eq!(wrong.faults(), ["/0/type", "/1/value", "/2/type", "/3/value"]);
    let many: Vec<_> = (0..1001).map(|n| json!({"type": "WARD", "value": n})).collect();
    assert_eq!(api.post("/lookups/resolve?orgId=10", json!(many)).await.faults(), [""]);
    assert_eq!(api.post("/lookups/resolve?orgId=10", json!([])).await.faults(), [""]);
}

#[tokio::test]
async fn lookup_batch_is_atomic() {
    let api = fresh().await;
    let batch = json!({"type": "WARD", "lookups": [
        {"source": {"id": "1"}, "target": {"id": "a"}},
        {"source": {"id": "1 "}, "target": {"id": "b"}},
        {"source": {"id": "2"}, "target": {"id": ""}},
        {"source": {"id": "3"}, "target": {"id": "c"}, "tenantId": 21},
    ]});
    let refused = api.post("/lookups/bulk?orgId=10", batch).await;
    assert_eq!(refused.faults(), ["/lookups/1/source/id", "/lookups/2/target/id"]);
    let stranger = json!({"type": "WARD", "lookups": [{"source": {"id": "3"}, "target": {"id": "c"}, "tenantId": 21}]});
    assert_eq!(
        api.post("/lookups/bulk?orgId=10", stranger).await.faults(),
        ["/lookups/0/tenantId"]
    );
    assert_eq!(api.get("/lookups?orgId=10").await.json["total"], json!(0));
    let rows = |count: usize| (0..count).map(|n| ward(&n.to_string(), "x")).collect::<Vec<_>>();
    assert_eq!(
        api.post("/lookups/bulk?orgId=10", json!({"lookups": rows(1001)}))
            .await
            .faults(),
        ["/lookups"]
    );
    assert_eq!(
        api.post("/lookups/bulk?orgId=10", json!({"lookups": []})).await.faults(),
        ["/lookups"]
    );
    let put = api.post("/lookups/bulk?orgId=10", json!({"lookups": rows(1000)})).await;
    assert_eq!(put.json["created"], json!(1000), "{put:?}");
    let again = api.post("/lookups/bulk?orgId=10", json!({"lookups": rows(1000)})).await;
    assert_eq!(again.json["unchanged"], json!(1000));
    let replaced = api
        .post("/lookups/bulk?orgId=10", json!({"replace": true, "lookups": rows(3)}))
        .await;
    assert_eq!(
        (&replaced.json["created"], &replaced.json["removed"]),
        (&json!(3), &json!(1000))
    );
    assert_eq!(api.get("/lookups?orgId=10&type=WARD").await.json["total"], json!(3));
}

#[tokio::test]
async fn lookup_rows_are_deleted_in_batches() {
    let api = fresh().await;
    let one = create_row(&api, ward("1", "a")).await;
    create_row(&api, ward("2", "b")).await;
    let deleted = api
        .post("/lookups/bulk/delete?orgId=10", json!({"ids": [one, one, "nonsense"]}))
        .await;
    assert_eq!((deleted.status, &deleted.json), (200, &json!({"deleted": 1})));
    for wrong in [
        json!({}),
        json!({"ids": []}),
        json!({"ids": [one], "type": "WARD"}),
        json!({"tenantId": 11}),
    ] {
        let answer = api.post("/lookups/bulk/delete?orgId=10", wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong} {answer:?}");
    }
    let of_unit = api
        .post("/lookups/bulk/delete?orgId=10", json!({"type": "WARD", "tenantId": 11}))
        .await;
    assert_eq!(of_unit.json["deleted"], json!(0));
    let all = api
        .post("/lookups/bulk/delete?orgId=10", json!({"type": "WARD", "tenantId": 10}))
        .await;
    assert_eq!(all.json["deleted"], json!(1));
}

#[tokio::test]
async fn lookup_lists_and_statistics_match_the_stored_rows() {
    let api = fresh().await;
    let mut asleep = ward("2", "b");
    asleep["isActive"] = json!(false);
    let mut of_unit = ward("3", "c");
    of_unit["tenantId"] = json!(11);
    let other = json!({"type": "BED", "source": {"id": "100%"}, "target": {"id": "x"}});
    let put = api
        .post(
            "/lookups/bulk?orgId=10",
            json!({"lookups": [ward("1", "a"), asleep, of_unit, other]}),
        )
        .await;
    assert_eq!(put.status, 200, "{put:?}");
    let table = [
        ("", 4),
        ("&type=WARD", 3),
        ("&tenantId=11", 1),
        ("&tenantId=10", 3),
        ("&isActive=false", 1),
        ("&search=ward%203", 1),
        ("&search=.", 0),
        ("&search=0%25", 1),
    ];
    for (query, total) in table {
        let listed = api.get(&format!("/lookups?orgId=10&limit=2{query}")).await;
        assert_eq!(listed.json["total"], json!(total), "{query} {listed:?}");
    }
    let page = api.get("/lookups?orgId=10&limit=3&page=2").await;
    assert_eq!(
        (&page.json["hasMore"], page.json["lookups"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
    assert_eq!(api.get("/lookups/types?orgId=10").await.json["types"], json!(["BED", "WARD"]));
    let figures = api.get("/lookups/statistics?orgId=10").await.json;
    assert_eq!(
        (&figures["rows"], &figures["active"], &figures["inactive"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(figures["types"][1]["ofUnits"], json!(1));
}

#[tokio::test]
async fn lookup_changes_reach_watchers_of_every_gateway() {
    let api = fresh().await;
    let other = api.replica().await;
    let mut client = ConfigServiceClient::connect(format!("http://{}", other.at.grpc))
        .await
        .unwrap();
    let from = api.store().await.configuration().revision().await.unwrap();
    let request = WatchRequest {
        resume_from_revision: from,
    };
    let mut stream = client.watch(request).await.unwrap().into_inner();
    let mut next = async || loop {
        let step = tokio::time::timeout(Duration::from_secs(30), stream.message()).await;
        let step = step.expect("a sign of life").unwrap().expect("no end").step.expect("a step");
        if let Step::Changes(changes) = step {
            let change = RevisedChange::try_from(changes.changes[0].clone()).unwrap();
            return change.change;
        }
    };
    let id = create_row(&api, ward("1", "a")).await;
    let changed = Change::LookupsChanged(OrgId(10), LookupType::new("WARD"));
    assert_eq!(next().await, changed);
    api.patch(&format!("/lookups/{id}?orgId=10"), json!({"target": {"id": "b"}}))
        .await;
    assert_eq!(next().await, changed);
}
