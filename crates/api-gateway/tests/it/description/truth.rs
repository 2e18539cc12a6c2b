//! Responses match their description.

use serde_json::json;

use super::{description, operations};
use crate::api::{Api, minimal_integration};

#[tokio::test]
async fn etag_is_described_wherever_it_is_sent() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api.integration(10, minimal_integration()).await;
    let job = json!({
        "name": "Export", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
        "dataSource": {"type": "API", "url": "https://api.invalid/"},
    });
    let job = api.post("/scheduled-jobs?orgId=10", job).await.text("/id");
    let description = description(&api).await;
    for (path, filled) in [
        ("/admin/orgs", "/admin/orgs".to_owned()),
        ("/admin/orgs/{orgId}", "/admin/orgs/10".to_owned()),
        ("/admin/rate-limits/{orgId}", "/admin/rate-limits/10".to_owned()),
        ("/outbound-integrations", "/outbound-integrations".to_owned()),
        ("/outbound-integrations/{id}", format!("/outbound-integrations/{id}")),
        ("/scheduled-jobs/{id}", format!("/scheduled-jobs/{job}")),
        ("/scheduled-jobs/{id}/next-runs", format!("/scheduled-jobs/{job}/next-runs")),
        ("/data-connections", "/data-connections".to_owned()),
        ("/admin/data-connections", "/admin/data-connections".to_owned()),
        ("/versions/{kind}/{id}", format!("/versions/outbound-integrations/{id}")),
        ("/tenant", "/tenant".to_owned()),
        ("/ui-config", "/ui-config".to_owned()),
    ] {
        let answer = api.get(&format!("{filled}?orgId=10")).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let described = &description["paths"][format!("/api/v1{path}")]["get"]["responses"]["200"]["headers"]["ETag"];
        assert_eq!(described.is_object(), answer.headers.contains_key("etag"), "{path}");
    }
}

#[tokio::test]
async fn patch_accepts_an_object_under_either_content_type() {
    let api = Api::start().await;
    api.org(10).await;
    let description = description(&api).await;
    let taken = &description["paths"]["/api/v1/admin/orgs/{orgId}"]["patch"]["requestBody"]["content"];
    for kind in ["application/json", "application/merge-patch+json"] {
        assert_eq!(taken[kind]["schema"]["type"], json!("object"), "{taken}");
        let request = api.request("PATCH", "/admin/orgs/10").header("content-type", kind);
        let answer = api.send(request, json!({"code": "TEN"}).to_string().into()).await;
        assert_eq!(answer.status, 200, "{kind}: {answer:?}");
    }
}

#[tokio::test]
async fn parameter_values_are_described_and_named_on_an_invalid_one() {
    let api = Api::start().await;
    api.org(10).await;
    let description = description(&api).await;
    let mut tried = 0;
    for operation in operations(&description).iter().filter(|operation| operation.method == "get") {
        for parameter in operation.parameters() {
            let Some(values) = parameter["schema"]["enum"].as_array().filter(|_| parameter["in"] == "query") else {
                continue;
            };
            let (name, path) = (&parameter["name"], &operation.path["/api/v1".len()..]);
            let answer = api.get(&format!("{path}?orgId=10&{}=maybe", name.as_str().unwrap())).await;
            let fault = &answer.json["details"][0];
            assert_eq!((answer.status, &fault["parameter"]), (400, name), "{path}: {answer:?}");
            let values: Vec<_> = values.iter().filter_map(|value| value.as_str()).collect();
            assert_eq!(
                fault["message"],
                json!(format!("must be one of {}", values.join(", "))),
                "{path}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried} parameters have fixed values");
    for (query, what) in [("dryRun=maybe", "true or false"), ("prune=1", "true or false")] {
        let answer = api.post(&format!("/configuration/apply?orgId=10&{query}"), json!({})).await;
        assert_eq!(answer.text("/details/0/message"), format!("must be {what}"));
    }
}
