//! Logging in, staying logged in, and being logged out.

use std::time::Duration;

use ig_testkit::wait::eventually;
use serde_json::json;

use crate::api::{Answer, Api, PASSWORD, key, log_in, user};

async fn attempt(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/auth/login", json!({"email": email, "password": password})).await
}

async fn refused(client: &Api) {
    eventually("it is refused", async || client.get("/auth/me").await.status == 401).await;
}

#[tokio::test]
async fn login_returns_a_session_of_that_person() {
    let api = Api::start().await;
    api.org(10).await;
    let id = user(&api, "Ada@X.example", json!({"orgId": 10, "name": "Ada"})).await;
    let begun = attempt(&api, " ADA@x.example", PASSWORD).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    assert_eq!(begun.json["user"]["id"], json!(id));
    assert!(!begun.json.to_string().contains("assword"), "{begun:?}");
    let me = api.with_token(&begun.text("/token")).get("/auth/me").await;
    assert_eq!(
        me.json,
        json!({"kind": "USER", "id": id, "name": "ada@x.example", "role": "USER", "orgId": 10, "access": "READ"})
    );
    assert!(api.get(&format!("/admin/users/{id}")).await.json["lastLoginAt"].is_string());
    let key = api.get("/auth/me").await;
    assert_eq!(
        (&key.json["kind"], &key.json["name"]),
        (&json!("API_KEY"), &json!("bootstrap"))
    );
}

#[tokio::test]
async fn login_error_does_not_reveal_whether_the_person_exists() {
    let api = Api::start().await;
    user(&api, "ada@x.example", json!({"role": "ADMIN"})).await;
    let wrong = attempt(&api, "ada@x.example", "not it").await;
    let unknown = attempt(&api, "eve@x.example", "not it").await;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(wrong.json["error"], unknown.json["error"]);
    for body in [
        json!({}),
        json!({"email": "a@b"}),
        json!({"email": 1, "password": []}),
        json!([]),
    ] {
        assert_eq!(api.post("/auth/login", body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn ended_session_is_refused_by_every_gateway() {
    let api = Api::start().await;
    let other = api.replica().await;
    api.org(10).await;
    let id = user(&api, "ada@x.example", json!({"orgId": 10})).await;

    let token = log_in(&api, "ada@x.example").await;
    assert_eq!(other.with_token(&token).get("/auth/me").await.status, 200);
    assert_eq!(api.with_token(&token).post("/auth/logout", json!({})).await.status, 204);
    assert_eq!(api.with_token(&token).get("/auth/me").await.status, 401);
    refused(&other.with_token(&token)).await;

    let token = log_in(&api, "ada@x.example").await;
    assert_eq!(other.with_token(&token).get("/auth/me").await.status, 200);
    let changed = api.patch(&format!("/admin/users/{id}"), json!({"isActive": false})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    refused(&api.with_token(&token)).await;
    refused(&other.with_token(&token)).await;
    assert_eq!(attempt(&api, "ada@x.example", PASSWORD).await.status, 401);

    api.patch(&format!("/admin/users/{id}"), json!({"isActive": true})).await;
    refused(&api.with_token(&token)).await;
    let token = log_in(&api, "ada@x.example").await;
    assert_eq!(api.delete(&format!("/admin/users/{id}")).await.status, 204);
    refused(&other.with_token(&token)).await;
}

#[tokio::test]
async fn revoked_api_key_is_refused_by_every_gateway() {
    let api = Api::start().await;
    let other = api.replica().await;
    let text = key(&api, json!({"name": "k", "scopes": ["read"]})).await;
    assert!(text.starts_with("igk_"), "{text}");
    assert_eq!(other.with_key(&text).get("/auth/me").await.status, 200);
    let listed = api.get("/admin/api-keys?search=k&isActive=true").await;
    assert!(!listed.json.to_string().contains(&text), "{listed:?}");
    let id = api.with_key(&text).get("/auth/me").await.text("/id");
    assert_eq!(api.delete(&format!("/admin/api-keys/{id}")).await.status, 204);
    assert_eq!(api.with_key(&text).get("/auth/me").await.status, 401);
    refused(&other.with_key(&text)).await;
    assert_eq!(api.get(&format!("/admin/api-keys/{id}")).await.json["isActive"], json!(false));
    assert_eq!(api.delete(&format!("/admin/api-keys/{id}")).await.status, 204);
}

#[tokio::test]
async fn expired_api_key_is_refused() {
    let api = Api::start().await;
    let end = chrono::Utc::now() + Duration::from_millis(1_500);
    let text = key(&api, json!({"name": "k", "scopes": ["read"], "expiresAt": end.to_rfc3339()})).await;
    assert_eq!(api.with_key(&text).get("/auth/me").await.status, 200);
    refused(&api.with_key(&text)).await;
    let late = json!({"name": "k", "scopes": ["read"], "expiresAt": "2020-01-01T00:00:00Z"});
    assert_eq!(api.post("/admin/api-keys", late).await.faults(), ["/expiresAt"]);
}

#[tokio::test]
async fn repeated_failed_logins_lock_the_account_for_a_while_at_every_gateway() {
    let api = Api::start().await;
    let other = api.replica().await;
    user(&api, "ada@x.example", json!({"role": "ADMIN"})).await;
    user(&api, "bob@x.example", json!({"role": "ADMIN"})).await;
    for n in 0..10 {
        let gateway = if n % 2 == 0 { &api } else { &other };
        assert_eq!(attempt(gateway, "ada@x.example", "wrong").await.status, 401, "{n}");
    }
    for gateway in [&api, &other] {
        let closed = attempt(gateway, "ADA@x.example", PASSWORD).await;
        assert_eq!((closed.status, &closed.json["code"]), (429, &json!("RATE_LIMITED")));
        let wait: u64 = closed.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=930).contains(&wait), "{wait}");
    }
    // Successful logins do not count, and a locked account leaves the others alone.
    for _ in 0..12 {
        assert_eq!(attempt(&api, "bob@x.example", PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn password_change_requires_the_current_one_and_ends_other_sessions() {
    let api = Api::start().await;
    user(&api, "ada@x.example", json!({"role": "ADMIN"})).await;
    let (here, there) = (log_in(&api, "ada@x.example").await, log_in(&api, "ada@x.example").await);
    let here = api.with_token(&here);
    let before = api.get("/admin/users?search=ada").await.json["users"][0].clone();
    assert!(before["lastLoginAt"].is_string(), "{before}");
    let change = |current: &str, new: &str| json!({"currentPassword": current, "newPassword": new});
    let wrong = here.post("/auth/password", change("not it", "another fine password")).await;
    assert_eq!(wrong.faults(), ["/currentPassword"]);
    let short = here.post("/auth/password", change(PASSWORD, "short")).await;
    assert_eq!(short.faults(), ["/newPassword"]);
    let changed = here.post("/auth/password", change(PASSWORD, "another fine password")).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    refused(&api.with_token(&there)).await;
    assert_eq!(here.get("/auth/me").await.status, 200);
    let after = api.get("/admin/users?search=ada").await.json["users"][0].clone();
    assert_eq!(after["lastLoginAt"], before["lastLoginAt"], "that was no login");
    assert_eq!(attempt(&api, "ada@x.example", PASSWORD).await.status, 401);
    assert_eq!(attempt(&api, "ada@x.example", "another fine password").await.status, 200);
}

#[tokio::test]
async fn user_faults_are_reported_by_pointer() {
    let api = Api::start().await;
    api.org(10).await;
    let table = [
        (json!({"email": "x", "role": "USER"}), vec!["/email", "/orgId", "/password"]),
        (
            json!({"email": "a@b", "role": "ADMIN", "orgId": 10, "access": "READ", "password": PASSWORD}),
            vec!["/access", "/orgId"],
        ),
        (
            json!({"email": "a@b", "role": "ROOT", "password": "short"}),
            vec!["/password", "/role"],
        ),
        (
            json!({"email": "a@b", "role": "USER", "orgId": 99, "password": PASSWORD}),
            vec!["/orgId"],
        ),
        (
            json!({"email": "a@b", "role": "ADMIN", "password": PASSWORD, "passwordHash": "x"}),
            vec!["/passwordHash"],
        ),
    ];
    for (body, places) in table {
        let answer = api.post("/admin/users", body.clone()).await;
        assert_eq!((answer.status, answer.faults()), (400, places), "{body}");
    }
    let id = user(&api, "ada@x.example", json!({"orgId": 10})).await;
    let twice = json!({"email": "ADA@x.example", "role": "ADMIN", "password": PASSWORD});
    assert_eq!(api.post("/admin/users", twice).await.status, 409);
    let stale = api
        .patch(&format!("/admin/users/{id}"), json!({"name": "A", "revision": 7}))
        .await;
    assert_eq!(stale.status, 412, "{stale:?}");
    let named = api.patch(&format!("/admin/users/{id}"), json!({"name": "A"})).await;
    assert_eq!((named.status, &named.json["revision"]), (200, &json!(2)), "{named:?}");
    let listed = api.get("/admin/users?orgId=10&role=USER&search=ada&isActive=true").await;
    assert_eq!(listed.json["total"], json!(1), "{listed:?}");
}

#[tokio::test]
async fn request_with_two_kinds_of_credentials_is_refused() {
    let api = Api::start().await;
    user(&api, "ada@x.example", json!({"role": "ADMIN"})).await;
    let token = log_in(&api, "ada@x.example").await;
    let both = api
        .request("GET", "/auth/me")
        .header("authorization", format!("Bearer {token}"));
    assert_eq!(api.send(both, axum::body::Body::empty()).await.status, 401);
    for odd in ["", "x", "a.b.c"] {
        let answer = api.with_token(odd).get("/auth/me").await;
        assert_eq!(
            (answer.status, &answer.headers["www-authenticate"]),
            (401, &http::HeaderValue::from_static("Bearer"))
        );
    }
}
