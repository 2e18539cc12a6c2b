//! The log of alerts.

use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_store::AlertTimes;
use serde_json::json;

use crate::api::Api;

fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(4_000_000_000 + second, 0).unwrap()
}

async fn raise(api: &Api, org: impl Into<Option<i64>>, key: &str, second: i64) {
    let alert = Alert {
        org_id: org.into().map(OrgId),
        kind: "circuit-open".to_owned(),
        key: key.to_owned(),
        severity: Severity::Critical,
        message: format!("{key} does not answer"),
        at: at(second),
    };
    let times = AlertTimes {
        quiet: Duration::from_secs(10),
        keep: Duration::from_hours(24),
    };
    api.store().await.alerts().raise(&alert, times, at(second)).await.unwrap();
}

#[tokio::test]
async fn alerts_are_visible_only_to_their_own_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    for second in [1, 2] {
        raise(&api, 10, "a/b ?%", second).await;
    }
    raise(&api, 10, "second", 3).await;
    raise(&api, 20, "other", 4).await;
    let list = api.get("/alerts?orgId=10&limit=1").await.json;
    assert_eq!(
        (&list["total"], &list["hasMore"], &list["alerts"][0]["key"]),
        (&json!(2), &json!(true), &json!("second"))
    );
    let entry = api.get("/alerts?orgId=10&limit=1&page=2").await.json["alerts"][0].clone();
    let expected = json!({
        "id": entry["id"], "orgId": 10, "kind": "circuit-open", "key": "a/b ?%", "severity": "CRITICAL",
        "message": "a/b ?% does not answer", "at": at(1), "count": 2, "firstAt": at(1), "lastAt": at(2), "quietUntil": at(11),
    });
    assert_eq!(entry, expected);
    let path = format!("/alerts/{}", entry["id"].as_str().unwrap());
    assert_eq!(api.get(&format!("{path}?orgId=10")).await.json, entry);
    assert_eq!(api.get(&format!("{path}?orgId=20")).await.status, 404);
    assert_eq!(api.get("/alerts/nonsense?orgId=10").await.status, 404);
}

#[tokio::test]
async fn alerts_without_an_organisation_belong_to_the_platform() {
    let api = Api::start().await;
    api.org(10).await;
    raise(&api, 10, "theirs", 1).await;
    raise(&api, None, "ours", 2).await;
    let list = api.get("/admin/alerts").await.json;
    assert_eq!(
        (&list["total"], &list["alerts"][0]["key"]),
        (&json!(1), &json!("ours")),
        "{list}"
    );
    assert_eq!(list["alerts"][0]["orgId"], json!(null));
    assert_eq!(api.get("/alerts?orgId=10").await.json["alerts"][0]["key"], json!("theirs"));
    assert_eq!(api.get("/admin/alerts?severity=INFO").await.json["total"], json!(0));
}

#[tokio::test]
async fn alerts_are_filtered_and_an_invalid_filter_is_named() {
    let api = Api::start().await;
    api.org(10).await;
    raise(&api, 10, "a", 1).await;
    for (query, total) in [
        ("kind=circuit-open", 1),
        ("kind=other", 0),
        ("severity=CRITICAL", 1),
        ("severity=INFO", 0),
        ("startDate=2096-10-02&endDate=2096-10-02", 1),
        ("endDate=2096-10-01", 0),
    ] {
        let list = api.get(&format!("/alerts?orgId=10&{query}")).await.json;
        assert_eq!(list["total"], json!(total), "{query}: {list}");
    }
    for (query, parameter) in [("severity=BAD", "severity"), ("startDate=yesterday", "startDate")] {
        let answer = api.get(&format!("/alerts?orgId=10&{query}")).await;
        assert_eq!(
            (answer.status, &answer.json["details"][0]["parameter"]),
            (400, &json!(parameter))
        );
    }
}
