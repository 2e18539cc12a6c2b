//! Versions of configuration, their authors, and rollbacks.

use axum::body::Body;
use ig_core::id::OrgId;
use serde_json::{Value, json};

use crate::api::{Answer, Api, integration_with, key_for, log_in, user};
use crate::departures;

const SECRET: &str = "planted-secret-0123456789";

async fn version(api: &Api, id: &str, revision: u64) -> Answer {
    api.get(&format!("/versions/outbound-integrations/{id}/{revision}?orgId=10"))
        .await
}

async fn revisions(api: &Api, path: &str) -> Vec<u64> {
    let listed = api.get(path).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let versions = listed.json["versions"].as_array().unwrap().clone();
    versions.iter().map(|version| version["revision"].as_u64().unwrap()).collect()
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let changes = answer.json["changes"].as_array().unwrap();
    changes.iter().map(|change| change["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn version_is_recorded_with_its_author_and_can_be_restored() {
    let api = Api::start().await;
    api.org(10).await;
    user(&api, "ada@x.example", json!({"orgId": 10, "access": "WRITE"})).await;
    let ada = api.with_token(&log_in(&api, "ada@x.example").await);
    let id = api
        .integration(
            10,
            integration_with(json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": SECRET}})),
        )
        .await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let renamed = ada
        .patch(
            &path,
            json!({"name": "Renamed", "outgoingAuthConfig": {"token": "another-secret-987"}}),
        )
        .await;
    assert_eq!(renamed.status, 200, "{renamed:?}");

    let list = format!("/versions/outbound-integrations/{id}?orgId=10");
    let [second, first] = revisions(&ada, &list).await[..] else {
        panic!("two versions")
    };
    let seen = version(&ada, &id, second).await;
    assert_eq!(seen.json["actor"]["name"], json!("ada@x.example"), "{seen:?}");
    assert_eq!(
        (&seen.json["action"], &seen.json["comparedWith"]),
        (&json!("UPDATE"), &json!(first))
    );
    assert_eq!(pointers(&seen), ["/name", "/outgoingAuthConfig/token"]);
    let made = version(&ada, &id, first).await;
    assert_eq!(
        (&made.json["action"], &made.json["actor"]["kind"]),
        (&json!("CREATE"), &json!("API_KEY"))
    );
    for answer in [&seen, &made] {
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(!text.contains(SECRET) && !text.contains("another-secret"), "{text}");
    }

    let back = ada
        .post(
            &format!("/versions/outbound-integrations/{id}/{first}/rollback?orgId=10"),
            json!({}),
        )
        .await;
    assert_eq!(
        (back.status, &back.json["document"]["name"]),
        (200, &json!("Hook")),
        "{back:?}"
    );
    let again = back.json["revision"].as_u64().unwrap();
    let unchanged = ada
        .get(&format!("/versions/outbound-integrations/{id}/{again}?orgId=10&with={first}"))
        .await;
    assert_eq!(
        pointers(&unchanged),
        Vec::<&str>::new(),
        "the secret came back as well: {unchanged:?}"
    );

    assert_eq!(api.delete(&path).await.status, 204);
    let deleted = revisions(&ada, &list).await[0];
    assert_eq!(version(&ada, &id, deleted).await.json["action"], json!("DELETE"));
    let to_nothing = format!("/versions/outbound-integrations/{id}/{deleted}/rollback?orgId=10");
    assert_eq!(ada.post(&to_nothing, json!({})).await.status, 409);
    let restored = ada
        .post(
            &format!("/versions/outbound-integrations/{id}/{second}/rollback?orgId=10"),
            json!({}),
        )
        .await;
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(ada.get(&path).await.json["name"], json!("Renamed"));
}

#[tokio::test]
async fn rollback_is_guarded_like_any_change() {
    let api = Api::start().await;
    api.org(10).await;
    let made = api.post("/event-types?orgId=10", json!({"eventType": "order"})).await;
    let first = made.json["revision"].as_u64().unwrap();
    api.patch("/event-types/order?orgId=10", json!({"description": "x"})).await;
    let request = api
        .request("POST", &format!("/versions/event-types/order/{first}/rollback?orgId=10"))
        .header("if-match", format!("\"{first}\""));
    assert_eq!(api.send(request, Body::empty()).await.status, 412);
    user(&api, "eve@x.example", json!({"orgId": 10, "access": "WRITE"})).await;
    let eve = api.with_token(&log_in(&api, "eve@x.example").await);
    let of_org = revisions(&eve, "/versions/orgs/10?orgId=10").await[0];
    let refused = eve
        .post(&format!("/versions/orgs/10/{of_org}/rollback?orgId=10"), json!({}))
        .await;
    assert_eq!(refused.status, 403, "{refused:?}");
    for nothing in [
        "/versions/nothing/1",
        "/versions/event-types/nothing",
        "/versions/event-types/order/99999",
    ] {
        assert_eq!(eve.get(&format!("{nothing}?orgId=10")).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn audit_log_names_actors_and_changes_without_secrets() {
    let api = Api::start().await;
    api.org(10).await;
    let id = user(&api, "ada@x.example", json!({"orgId": 10})).await;
    api.patch(
        &format!("/admin/users/{id}"),
        json!({"access": "WRITE", "password": "a password that is new"}),
    )
    .await;
    api.delete(&format!("/admin/users/{id}")).await;
    let key = key_for(&api, OrgId(10)).await;
    let hook = integration_with(json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": SECRET}}));
    let integration = api
        .with_key(&key)
        .post("/outbound-integrations?orgId=10", hook)
        .await
        .text("/id");

    let listed = api.get("/admin/audit-logs?orgId=10&limit=100").await;
    let entries = listed.json["auditLogs"].as_array().unwrap().clone();
    let changes: Vec<_> = entries
        .iter()
        .map(|entry| format!("{} {}", entry["action"].as_str().unwrap(), entry["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        changes,
        [
            "CREATE OUTBOUND_INTEGRATION",
            "CREATE API_KEY",
            "DELETE USER",
            "UPDATE USER",
            "CREATE USER",
            "CREATE ORG"
        ]
    );
    let mut everything = listed.json.to_string();
    let mut details = Vec::new();
    for entry in &entries {
        let detail = api.get(&format!("/admin/audit-logs/{}", entry["id"].as_str().unwrap())).await;
        assert_eq!(detail.status, 200, "{detail:?}");
        everything.push_str(&detail.json.to_string());
        details.push(detail);
    }
    for secret in [SECRET, "a password that is new", "argon2", crate::api::PASSWORD, key.as_str()] {
        assert!(!everything.contains(secret), "{secret}");
    }
    assert_eq!(pointers(&details[3]), ["/access", "/revision", "/password"]);
    assert_eq!(details[0].json["after"]["name"], json!("Hook"), "{:?}", details[0]);
    assert_eq!(details[0].json["actor"]["kind"], json!("API_KEY"));
    let filtered = api
        .get(&format!(
            "/admin/audit-logs?itemId={integration}&action=CREATE&kind=OUTBOUND_INTEGRATION"
        ))
        .await;
    assert_eq!(filtered.json["total"], json!(1));
    assert_eq!(api.get("/admin/audit-logs?action=NOTHING").await.status, 400);
}

#[tokio::test]
async fn history_of_a_deleted_organisation_is_hidden_from_the_next_with_its_number() {
    let api = departures::gateway().await;
    api.org(10).await;
    let key = key_for(&api, OrgId(10)).await;
    user(&api, "ada@x.example", json!({"orgId": 10})).await;
    let token = log_in(&api, "ada@x.example").await;
    let id = api.integration(10, integration_with(json!({}))).await;
    assert_eq!(api.delete("/admin/orgs/10").await.status, 204);
    departures::wait_until_deleted(&api, 10).await;
    api.org(10).await;
    let list = format!("/versions/outbound-integrations/{id}?orgId=10");
    assert_eq!(api.get(&list).await.status, 404);
    for old in [api.with_key(&key), api.with_token(&token)] {
        ig_testkit::wait::eventually("it is refused", async || old.get("/tenant?orgId=10").await.status == 401).await;
    }
    assert_eq!(api.get("/admin/users?orgId=10").await.json["users"], Value::Array(Vec::new()));
}
