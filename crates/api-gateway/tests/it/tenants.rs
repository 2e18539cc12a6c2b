//! Organisations, units and event types.

use serde_json::json;

use crate::api::{Api, integration_with};

#[tokio::test]
async fn organisation_is_created_read_listed_changed_and_deleted() {
    let api = Api::start().await;
    let made = api
        .post(
            "/admin/orgs",
            json!({"orgId": 648, "name": "City Hospital", "timezone": "Asia/Kolkata"}),
        )
        .await;
    assert_eq!(
        (made.status, &made.json["id"], &made.json["timezone"]),
        (201, &json!(648), &json!("Asia/Kolkata"))
    );
    let read = api.get("/admin/orgs/648").await;
    assert_eq!((read.status, &read.json), (200, &made.json));
    assert_eq!(read.headers["etag"], format!("\"{}\"", made.json["revision"]));
    let put = api.put("/admin/orgs/648", json!({"name": "Town Hospital"})).await;
    assert_eq!(
        (put.status, &put.json["name"], put.json.get("timezone")),
        (200, &json!("Town Hospital"), None)
    );
    let listed = api.get("/admin/orgs?search=town").await;
    assert_eq!(
        (&listed.json["total"], &listed.json["orgs"][0]["orgId"]),
        (&json!(1), &json!(648))
    );
    assert_eq!(api.delete("/admin/orgs/648").await.status, 204);
    assert_eq!(api.get("/admin/orgs/648").await.status, 404);
}

#[tokio::test]
async fn organisation_sets_its_own_retry_policy() {
    let api = Api::start().await;
    let patient = json!({"baseMs": 60_000, "maxMs": 600_000, "maxRetries": 5});
    let made = api
        .post("/admin/orgs", json!({"orgId": 1, "name": "A", "retryPolicy": patient}))
        .await;
    assert_eq!((made.status, &made.json["retryPolicy"]), (201, &patient));
    assert_eq!(api.get("/admin/orgs/1").await.json["retryPolicy"], patient);
    let backwards = json!({"retryPolicy": {"baseMs": 60_000, "maxMs": 1_000, "maxRetries": 5}});
    assert_eq!(api.patch("/admin/orgs/1", backwards).await.faults(), ["/retryPolicy/maxMs"]);
    let never = json!({"retryPolicy": {"maxRetries": 0}});
    assert_eq!(api.patch("/admin/orgs/1", never).await.faults(), ["/retryPolicy/maxRetries"]);
    let fewer = api.patch("/admin/orgs/1", json!({"retryPolicy": {"maxRetries": 2}})).await;
    assert_eq!(
        fewer.json["retryPolicy"],
        json!({"baseMs": 60_000, "maxMs": 600_000, "maxRetries": 2})
    );
    let none = api.patch("/admin/orgs/1", json!({"retryPolicy": null})).await;
    assert_eq!((none.status, none.json.get("retryPolicy")), (200, None));
}

#[tokio::test]
async fn patch_keeps_absent_fields_and_removes_null_ones() {
    let api = Api::start().await;
    api.post("/admin/orgs", json!({"orgId": 1, "name": "A", "code": "X", "region": "eu"}))
        .await;
    let patched = api.patch("/admin/orgs/1", json!({"code": null, "name": "B"})).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(
        (&patched.json["name"], patched.json.get("code"), &patched.json["region"]),
        (&json!("B"), None, &json!("eu"))
    );
    assert_eq!(api.patch("/admin/orgs/1", json!({"name": null})).await.faults(), ["/name"]);
}

#[tokio::test]
async fn organisations_and_units_share_one_number_space() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    api.unit(10, 11).await;
    let taken = [
        api.post("/admin/orgs", json!({"orgId": 10, "name": "again"})).await,
        api.post("/admin/orgs", json!({"orgId": 11, "name": "a unit's"})).await,
        api.post("/admin/orgs/20/units", json!({"rid": 11, "name": "another's"}))
            .await,
        api.post("/admin/orgs/20/units", json!({"rid": 10, "name": "an org's"})).await,
    ];
    for answer in taken {
        assert_eq!((answer.status, &answer.json["code"]), (409, &json!("CONFLICT")), "{answer:?}");
    }
    assert_eq!(
        api.post("/admin/orgs/30/units", json!({"rid": 31, "name": "nowhere"}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn unit_used_by_an_integration_cannot_be_deleted() {
    let api = Api::start().await;
    api.org(10).await;
    api.unit(10, 11).await;
    let id = api.integration(10, integration_with(json!({"tenantId": 11}))).await;
    assert_eq!(api.delete("/admin/orgs/10/units/11").await.status, 409);
    assert_eq!(api.delete(&format!("/outbound-integrations/{id}?orgId=10")).await.status, 204);
    let excluding = api
        .integration(10, integration_with(json!({"excludedEntityRids": [11]})))
        .await;
    assert_eq!(api.replica().await.delete("/admin/orgs/10/units/11").await.status, 409);
    assert_eq!(
        api.delete(&format!("/outbound-integrations/{excluding}?orgId=10"))
            .await
            .status,
        204
    );
    assert_eq!(api.delete("/admin/orgs/10/units/11").await.status, 204);
}

#[tokio::test]
async fn event_types_are_identified_by_name() {
    let api = Api::start().await;
    api.org(10).await;
    let body = json!({"eventType": "appointment-created", "samplePayload": {"id": null}});
    assert_eq!(api.post("/event-types?orgId=10", body.clone()).await.status, 201);
    assert_eq!(api.post("/event-types?orgId=10", body).await.status, 409);
    let patched = api
        .patch("/event-types/appointment-created?orgId=10", json!({"description": "Booked"}))
        .await;
    assert_eq!(
        (patched.status, &patched.json["samplePayload"]),
        (200, &json!({"id": null})),
        "{patched:?}"
    );
    assert_eq!(
        api.get("/event-types?orgId=10").await.json["eventTypes"][0]["id"],
        "appointment-created"
    );
    assert_eq!(api.delete("/event-types/appointment-created?orgId=10").await.status, 204);
}
