//! What a gateway creates at its first start, and what later starts leave alone.

use std::sync::Arc;

use ig_service::config::Secret;
use ig_testkit::mongo::database;
use serde_json::json;

use crate::api::{ADMIN_KEY, Api, PASSWORD, log_in};

const EMAIL: &str = "root@x.example";

async fn gateway(api: Option<&Api>) -> Api {
    let database = api.map_or_else(|| Arc::new(database()), |api| Arc::clone(&api.database));
    Api::start_with(database, |config| {
        config.bootstrap.admin_email = Some(EMAIL.to_owned());
        config.bootstrap.admin_password = Some(Secret::new(PASSWORD));
    })
    .await
}

#[tokio::test]
async fn bootstrap_key_stays_revoked_and_does_not_delay_readiness() {
    let api = gateway(None).await;
    let keys = api.get("/admin/api-keys?search=bootstrap").await;
    let revoked = api.delete(&format!("/admin/api-keys/{}", keys.text("/apiKeys/0/id"))).await;
    assert_eq!(revoked.status, 204, "{revoked:?}");
    let restarted = gateway(Some(&api)).await;
    assert_eq!(restarted.with_key(ADMIN_KEY).get("/admin/orgs").await.status, 401);
}

#[tokio::test]
async fn bootstrap_administrator_keeps_later_changes() {
    let api = gateway(None).await;
    let me = api.with_token(&log_in(&api, EMAIL).await).get("/auth/me").await;
    assert_eq!(me.json["role"], "ADMIN", "{me:?}");
    let found = api.get(&format!("/admin/users?search={EMAIL}")).await;
    let path = format!("/admin/users/{}", found.text("/users/0/id"));
    let changed = api
        .patch(&path, json!({"password": "another horse altogether", "isActive": false}))
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let restarted = gateway(Some(&api)).await;
    let kept = restarted.get(&path).await.json;
    assert_eq!(
        (&kept["isActive"], &kept["revision"]),
        (&json!(false), &changed.json["revision"]),
        "{kept}"
    );
    assert_eq!(restarted.delete(&path).await.status, 204);
    let again = gateway(Some(&api)).await;
    let found = again.get(&format!("/admin/users?search={EMAIL}")).await;
    assert_eq!(found.json["users"], json!([]), "whoever was deleted stays so");
    let login = again.post("/auth/login", json!({"email": EMAIL, "password": PASSWORD})).await;
    assert_eq!(login.status, 401, "{login:?}");
}
