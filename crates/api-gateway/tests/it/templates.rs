//! Templates, built in and of an organisation, and the resources that they create.

use serde_json::{Value, json};

use crate::api::{Api, merged};

fn own() -> Value {
    json!({
        "name": "Orders to the laboratory", "category": "clinical", "direction": "OUTBOUND",
        "definition": {
            "eventType": "order", "httpMethod": "PUT", "outgoingAuthType": "API_KEY",
            "outgoingAuthConfig": {"headerName": "X-Lab-Key"},
            "staticFields": [{"key": "from", "value": "hospital"}],
        },
    })
}

#[tokio::test]
async fn every_built_in_template_can_be_applied() {
    let api = Api::start().await;
    api.org(10).await;
    let listed = api.get("/templates?orgId=10&limit=100").await;
    let templates = listed.json["templates"].as_array().unwrap().clone();
    assert!(templates.len() >= 9, "{listed:?}");
    let given = json!({
        "signed-webhook": {"eventType": "order"},
        "slack-message": {"eventType": "order"},
        "teams-message": {"eventType": "order"},
        "whatsapp-reminder": {"outgoingAuthConfig": {"token": "t"}},
        "fhir-appointment": {"outgoingAuthConfig": {"tokenUrl": "https://login.invalid/", "clientId": "c", "clientSecret": "s"}},
        "api-proxy": {"type": "proxy", "outgoingAuthConfig": {"apiKey": "k"}},
        "signed-callback": {"type": "callback", "inboundAuthConfig": {"secrets": ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]}},
        "daily-query": {},
        "failed-deliveries": {},
    });
    for template in templates {
        assert_eq!(template["builtIn"], json!(true));
        let id = template["id"].as_str().unwrap();
        assert_eq!(api.get(&format!("/templates/{id}?orgId=10")).await.json, template);
        let usual = json!({"name": id, "targetUrl": "https://receiver.invalid/"});
        let body = merged(usual, given.get(id).expect("what it needs").clone());
        let made = api.post(&format!("/templates/{id}/apply?orgId=10"), body).await;
        assert_eq!(made.status, 201, "{id}: {made:?}");
        assert_eq!(made.json["direction"], template["direction"]);
        let group = match made.text("/direction").as_str() {
            "OUTBOUND" => "outbound-integrations",
            "INBOUND" => "inbound-integrations",
            _ => "scheduled-jobs",
        };
        let read = api.get(&format!("/{group}/{}?orgId=10", made.text("/id"))).await;
        assert_eq!(read.status, 200, "{id}: {read:?}");
    }
}

#[tokio::test]
async fn organisation_manages_its_own_templates() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let made = api.post("/templates?orgId=10", own()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.text("/id");
    let listed = api.get("/templates?orgId=10&category=clinical&search=laboratory").await;
    assert_eq!(
        (&listed.json["total"], &listed.json["templates"][0]["id"]),
        (&json!(1), &json!(id))
    );
    let theirs = api.get("/templates?orgId=20&search=laboratory").await;
    assert_eq!(theirs.json["total"], json!(0));
    assert_eq!(api.get(&format!("/templates/{id}?orgId=20")).await.status, 404);

    let applied = format!("/templates/{id}/apply?orgId=10");
    let given = json!({"name": "Lab", "targetUrl": "https://lab.invalid/", "outgoingAuthConfig": {"apiKey": "k"}});
    let hook = api.post(&applied, given).await;
    assert_eq!((hook.status, &hook.json["httpMethod"]), (201, &json!("PUT")), "{hook:?}");
    let incomplete = api.post(&applied, json!({"name": "Lab"})).await;
    assert_eq!((incomplete.status, incomplete.faults()), (400, vec!["/targetUrl"]));

    let path = format!("/templates/{id}?orgId=10");
    let patched = api
        .patch(&path, json!({"definition": {"httpMethod": null}, "description": "For blood"}))
        .await;
    assert_eq!(patched.json["definition"].get("httpMethod"), None, "{patched:?}");
    let stale = api.put(&path, merged(made.json.clone(), json!({"name": "x"}))).await;
    assert_eq!(stale.status, 412, "{stale:?}");
    assert_eq!(api.delete(&path).await.status, 204);
    let back = format!("/versions/templates/{id}/{}/rollback?orgId=10", made.json["revision"]);
    assert_eq!(api.post(&back, json!({})).await.status, 200);
    assert_eq!(api.get(&path).await.json["definition"]["httpMethod"], json!("PUT"));
}

#[tokio::test]
async fn template_with_secrets_or_unknown_fields_is_refused() {
    let api = Api::start().await;
    api.org(10).await;
    for (definition, places) in [
        (
            json!({"outgoingAuthConfig": {"apiKey": "k"}}),
            vec!["/definition/outgoingAuthConfig/apiKey"],
        ),
        (
            json!({"signing": {"enabled": true, "secrets": ["x"]}}),
            vec!["/definition/signing/secrets"],
        ),
        (json!({"orgId": 20, "id": "x"}), vec!["/definition/id", "/definition/orgId"]),
        (json!({"dataSource": {}}), vec!["/definition/dataSource"]),
        (json!([]), vec!["/definition"]),
    ] {
        let mut body = own();
        body["definition"] = definition;
        let answer = api.post("/templates?orgId=10", body).await;
        let mut found = answer.faults();
        found.sort_unstable();
        assert_eq!((answer.status, found), (400, places), "{answer:?}");
    }
    let fixed = api.patch("/templates/slack-message?orgId=10", json!({"name": "Mine"})).await;
    assert_eq!(fixed.status, 409, "{fixed:?}");
    let nothing = api.post("/templates/no-such-thing/apply?orgId=10", json!({})).await;
    assert_eq!(nothing.status, 404, "{nothing:?}");
}
