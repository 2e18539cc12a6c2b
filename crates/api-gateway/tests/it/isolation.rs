//! Isolation between organisations.

use axum::body::Body;
use serde_json::json;

use crate::api::{Api, minimal_integration};

#[tokio::test]
async fn isolation_hides_ids_of_another_organisation_on_every_route() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    api.unit(10, 11).await;
    let id = api.integration(10, minimal_integration()).await;
    api.post("/event-types?orgId=10", json!({"eventType": "order"})).await;
    let one = format!("/outbound-integrations/{id}");
    let routes = [
        ("GET", one.clone()),
        ("PUT", one.clone()),
        ("PATCH", one.clone()),
        ("DELETE", one.clone()),
        ("POST", format!("{one}/enable")),
        ("POST", format!("{one}/disable")),
        ("GET", "/event-types/order".to_owned()),
        ("PUT", "/event-types/order".to_owned()),
        ("PATCH", "/event-types/order".to_owned()),
        ("DELETE", "/event-types/order".to_owned()),
        ("GET", "/admin/orgs/20/units/11".to_owned()),
        ("PUT", "/admin/orgs/20/units/11".to_owned()),
        ("PATCH", "/admin/orgs/20/units/11".to_owned()),
        ("DELETE", "/admin/orgs/20/units/11".to_owned()),
    ];
    for (method, path) in routes {
        let answer = api.json(method, &format!("{path}?orgId=20"), minimal_integration()).await;
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
    }
    assert_eq!(api.get(&format!("{one}?orgId=10")).await.status, 200);
    assert_eq!(api.get("/outbound-integrations?orgId=20").await.json["total"], json!(0));
    assert_eq!(
        api.send(api.request("GET", "/outbound-integrations/xyz?orgId=10"), Body::empty())
            .await
            .status,
        404
    );
}
