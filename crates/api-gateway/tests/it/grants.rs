//! Limits on granting rights to others.

use serde_json::json;

use crate::api::{Api, PASSWORD, key};

#[tokio::test]
async fn grants_never_exceed_the_rights_of_their_giver() {
    let api = Api::start().await;
    api.org(10).await;
    let writer = api.with_key(&key(&api, json!({"name": "w", "scopes": ["write"]})).await);
    let admin = json!({"email": "eve@x.example", "role": "ADMIN", "password": PASSWORD});
    let reader = json!({"email": "eve@x.example", "role": "USER", "orgId": 10, "password": PASSWORD});
    for (path, body) in [
        (
            "/admin/api-keys",
            json!({"name": "all", "scopes": ["read", "write", "events", "runtime"]}),
        ),
        ("/admin/api-keys", json!({"name": "other", "orgId": 10, "scopes": ["events"]})),
        ("/admin/users", admin.clone()),
        ("/admin/users", reader),
    ] {
        let refused = writer.post(path, body.clone()).await;
        assert_eq!(
            (refused.status, refused.text("/code").as_str()),
            (403, "FORBIDDEN"),
            "{path} {body}"
        );
    }
    let made = writer
        .post("/admin/api-keys", json!({"name": "w2", "orgId": 10, "scopes": ["write"]}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = api.post("/admin/users", admin).await;
    let taken = writer
        .patch(
            &format!("/admin/users/{}", made.text("/id")),
            json!({"password": "eve knows this one"}),
        )
        .await;
    assert_eq!(
        taken.status, 403,
        "nobody becomes an administrator by a change either: {taken:?}"
    );
}

#[tokio::test]
async fn grants_never_outlast_the_key_of_their_giver() {
    let api = Api::start().await;
    let all = json!(["read", "write", "events", "runtime"]);
    let (soon, later) = ("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z");
    let ending = api.with_key(&key(&api, json!({"name": "e", "scopes": all, "expiresAt": soon})).await);
    for expires_at in [json!(null), json!(later)] {
        let refused = ending
            .post(
                "/admin/api-keys",
                json!({"name": "f", "scopes": ["read"], "expiresAt": expires_at}),
            )
            .await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    let made = ending
        .post("/admin/api-keys", json!({"name": "f", "scopes": ["read"], "expiresAt": soon}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
}
