//! An organisation's configuration as one document: exported, planned, applied.

use serde_json::{Value, json};

use crate::api::{Answer, Api, merged, minimal_integration};

const SECRET: &str = "planted-0123456789";

async fn create_configuration(api: &Api, org: i64) {
    let hook = merged(
        minimal_integration(),
        json!({
            "outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": SECRET}, "signing": {"enabled": true},
            "fieldMappings": [{"sourceField": "a", "targetField": "b"}],
        }),
    );
    let inbound = json!({"type": "booking", "name": "Booking", "targetUrl": "https://api.invalid/", "inboundAuthType": "BEARER", "inboundAuthConfig": {"token": SECRET}});
    let job = json!({
        "name": "Export", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
        "dataSource": {"type": "MONGODB", "connectionString": format!("mongodb://u:{SECRET}@db.invalid"), "database": "d", "collection": "c"},
    });
    let template = json!({"name": "Mine", "direction": "OUTBOUND", "definition": {"eventType": "order"}});
    let event_type = json!({"eventType": "order", "samplePayload": {"a": 1}, "schema": {"type": "object"}, "validation": "warn"});
    for (path, body) in [
        ("outbound-integrations", hook),
        ("inbound-integrations", inbound),
        ("scheduled-jobs", job),
        ("templates", template),
        ("event-types", event_type),
    ] {
        let made = api.post(&format!("/{path}?orgId={org}"), body).await;
        assert_eq!(made.status, 201, "{path}: {made:?}");
    }
}

fn changes(answer: &Answer) -> Vec<(String, String, String)> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = |change: &Value, field: &str| change[field].as_str().unwrap().to_owned();
    let changes = answer.json["changes"].as_array().unwrap();
    let changes = changes
        .iter()
        .map(|change| (text(change, "action"), text(change, "kind"), text(change, "name")));
    changes.collect()
}

fn planned_change(action: &str, kind: &str, name: &str) -> (String, String, String) {
    (action.to_owned(), kind.to_owned(), name.to_owned())
}

#[tokio::test]
async fn configuration_export_applied_to_its_own_organisation_changes_nothing() {
    let api = Api::start().await;
    api.org(10).await;
    create_configuration(&api, 10).await;
    let exported = api.get("/configuration?orgId=10").await;
    assert_eq!(exported.status, 200, "{exported:?}");
    let text = String::from_utf8_lossy(&exported.bytes).into_owned();
    assert!(!text.contains(SECRET) && !text.contains("whsec_"), "{text}");
    let applied = api.post("/configuration/apply?orgId=10&prune=true", exported.json).await;
    assert_eq!(changes(&applied), []);
    assert_eq!(applied.json["unchanged"], json!(5), "{applied:?}");
}

#[tokio::test]
async fn configuration_document_copies_an_organisation_once_secrets_are_given() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    create_configuration(&api, 10).await;
    let mut document = api.get("/configuration?orgId=10").await.json;
    let masked = api.post("/configuration/apply?orgId=20", document.clone()).await;
    let mut faults = masked.faults();
    faults.sort_unstable();
    assert_eq!(
        (masked.status, faults),
        (
            400,
            vec![
                "/inboundIntegrations/0/inboundAuthConfig/token",
                "/outboundIntegrations/0/outgoingAuthConfig/token",
                "/outboundIntegrations/0/signing/secrets/0",
                "/scheduledJobs/0/dataSource/connectionString",
            ]
        ),
        "{masked:?}"
    );
    document["inboundIntegrations"][0]["inboundAuthConfig"]["token"] = json!("t");
    document["outboundIntegrations"][0]["outgoingAuthConfig"]["token"] = json!("t");
    document["outboundIntegrations"][0]["signing"] = json!({"enabled": true});
    document["scheduledJobs"][0]["dataSource"]["connectionString"] = json!("mongodb://db.invalid");
    let dry = api.post("/configuration/apply?orgId=20&dryRun=true", document.clone()).await;
    let expected = [
        planned_change("CREATE", "eventTypes", "order"),
        planned_change("CREATE", "templates", "Mine"),
        planned_change("CREATE", "outboundIntegrations", "Hook"),
        planned_change("CREATE", "inboundIntegrations", "booking"),
        planned_change("CREATE", "scheduledJobs", "Export"),
    ];
    assert_eq!(changes(&dry), expected);
    assert_eq!(dry.json["applied"], json!(false));
    assert_eq!(api.get("/outbound-integrations?orgId=20").await.json["total"], json!(0));
    let path = format!("/configuration/apply?orgId=20&plan={}", dry.text("/plan"));
    let applied = api.post(&path, document.clone()).await;
    assert_eq!(
        (changes(&applied), &applied.json["applied"]),
        (expected.to_vec(), &json!(true))
    );
    // The plan has been carried out, so it no longer matches.
    let again = api.post(&path, document.clone()).await;
    assert_eq!(again.status, 412, "{again:?}");
    let settled = api.post("/configuration/apply?orgId=20&prune=true", document).await;
    assert_eq!(changes(&settled), []);
}

#[tokio::test]
async fn configuration_changes_are_listed_by_place_and_prune_only_on_request() {
    let api = Api::start().await;
    api.org(10).await;
    create_configuration(&api, 10).await;
    let mut document = api.get("/configuration?orgId=10").await.json;
    document["outboundIntegrations"][0]["targetUrl"] = json!("https://elsewhere.invalid/");
    document["outboundIntegrations"][0]["outgoingAuthConfig"]["token"] = json!("another");
    document["scheduledJobs"] = json!([]);
    document.as_object_mut().unwrap().shift_remove("templates");
    let dry = api.post("/configuration/apply?orgId=10&dryRun=true", document.clone()).await;
    assert_eq!(changes(&dry), [planned_change("UPDATE", "outboundIntegrations", "Hook")]);
    assert_eq!(
        dry.json["changes"][0]["differences"],
        json!([
            {"pointer": "/targetUrl", "before": "https://receiver.invalid/hook", "after": "https://elsewhere.invalid/"},
            {"pointer": "/outgoingAuthConfig/token", "before": "********", "after": "********"},
        ])
    );
    let pruned = api.post("/configuration/apply?orgId=10&prune=true", document).await;
    let expected = [
        planned_change("UPDATE", "outboundIntegrations", "Hook"),
        planned_change("DELETE", "scheduledJobs", "Export"),
    ];
    assert_eq!(changes(&pruned), expected);
    assert_eq!(api.get("/scheduled-jobs?orgId=10").await.json["total"], json!(0));
    assert_eq!(api.get("/templates?orgId=10&search=Mine").await.json["total"], json!(1));
    let hook = api.get("/outbound-integrations?orgId=10").await;
    assert_eq!(hook.text("/integrations/0/targetUrl"), "https://elsewhere.invalid/");
}

#[tokio::test]
async fn configuration_with_any_fault_changes_nothing() {
    let api = Api::start().await;
    api.org(10).await;
    let document = json!({
        "version": 1,
        "eventTypes": [{"eventType": "order"}, {"eventType": "order"}, {}],
        "outboundIntegrations": [minimal_integration(), merged(minimal_integration(), json!({"name": "Other", "targetUrl": "http://127.0.0.2/", "eventType": ""}))],
    });
    let refused = api.post("/configuration/apply?orgId=10", document).await;
    let mut faults = refused.faults();
    faults.sort_unstable();
    let places = [
        "/eventTypes/1/eventType",
        "/eventTypes/2/eventType",
        "/outboundIntegrations/1/eventType",
    ];
    assert_eq!((refused.status, faults), (400, places.to_vec()), "{refused:?}");
    for path in ["event-types", "outbound-integrations"] {
        assert_eq!(api.get(&format!("/{path}?orgId=10")).await.json["total"], json!(0));
    }
    for (document, place) in [
        (json!({"version": 2}), "/version"),
        (json!({"version": 1, "lookups": []}), "/lookups"),
        (json!({}), "/version"),
        (json!([]), ""),
    ] {
        let refused = api.post("/configuration/apply?orgId=10", document).await;
        assert_eq!((refused.status, refused.faults()), (400, vec![place]), "{refused:?}");
    }
}
