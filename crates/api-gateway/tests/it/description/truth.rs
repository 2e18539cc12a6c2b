//! What is answered is what is described.

use serde_json::json;

use super::description;
use crate::api::{Api, least};

#[tokio::test]
async fn an_etag_is_described_where_one_is_sent() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api.integration(10, least()).await;
    let description = description(&api).await;
    for (path, filled) in [
        ("/admin/orgs", "/admin/orgs".to_owned()),
        ("/admin/orgs/{orgId}", "/admin/orgs/10".to_owned()),
        ("/admin/rate-limits/{orgId}", "/admin/rate-limits/10".to_owned()),
        ("/outbound-integrations", "/outbound-integrations".to_owned()),
        ("/outbound-integrations/{id}", format!("/outbound-integrations/{id}")),
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
async fn a_patch_takes_an_object_under_either_name_of_its_type() {
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
