//! The faults of a request are reported all at once, each with its place.

use serde_json::json;

use crate::api::{Api, integration_with};

#[tokio::test]
async fn faults_of_shape_are_all_reported_by_pointer() {
    let api = Api::start().await;
    api.org(10).await;
    let body = integration_with(json!({
        "name": 7,
        "nonsense": true,
        "transformationMode": "XSLT",
        "timeoutMs": 5,
        "signing": {"enabled": "yes"},
        "actions": [{"targetUrl": "https://a.invalid"}, {"name": "b", "x": 1}],
        "fieldMappings": [{"sourceField": "a", "targetField": "b", "transform": "rot13"}],
    }));
    let answer = api.post("/outbound-integrations?orgId=10", body).await;
    assert_eq!((answer.status, &answer.json["code"]), (400, &json!("VALIDATION_ERROR")));
    let expected = [
        "/actions/0/name",
        "/actions/1/x",
        "/fieldMappings/0/transform",
        "/name",
        "/nonsense",
        "/signing/enabled",
        "/timeoutMs",
        "/transformationMode",
    ];
    assert_eq!(answer.faults(), expected, "{answer:?}");
}

#[tokio::test]
async fn faults_of_domain_rules_are_all_reported_by_pointer() {
    let api = Api::start().await;
    api.org(10).await;
    let body = integration_with(json!({
        "name": " ",
        "eventType": "",
        "targetUrl": "ftp://x",
        "outgoingAuthType": "BASIC",
        "outgoingAuthConfig": {"username": "a:b", "token": "t"},
        "signing": {"enabled": true, "secrets": ["short"]},
        "customHeaders": {"Host": "x", "X-Fine": "y"},
        "actions": [{"name": "a"}, {"name": "a"}],
        "scope": "ENTITY_ONLY",
        "excludedEntityRids": [11],
        "maxConcurrency": 5,
        "fieldMappings": [{"sourceField": "a..b", "targetField": "b"}],
    }));
    let answer = api.post("/outbound-integrations?orgId=10", body).await;
    assert_eq!(answer.status, 400);
    let expected = [
        "/actions/1/name",
        "/customHeaders/Host",
        "/eventType",
        "/excludedEntityRids",
        "/fieldMappings/0/sourceField",
        "/maxConcurrency",
        "/name",
        "/outgoingAuthConfig/password",
        "/outgoingAuthConfig/token",
        "/outgoingAuthConfig/username",
        "/signing/secrets/0",
        "/targetUrl",
    ];
    assert_eq!(answer.faults(), expected, "{answer:?}");
}

#[tokio::test]
async fn fault_for_an_address_that_the_guard_refuses_but_not_for_an_unresolvable_name() {
    let api = Api::start().await;
    api.org(10).await;
    for url in [
        "http://127.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f.1/",
        "http://169.254.169.254/",
        "http://localhost:9/",
    ] {
        let body = integration_with(json!({"actions": [{"name": "a", "targetUrl": url}], "targetUrl": url}));
        let answer = api.post("/outbound-integrations?orgId=10", body).await;
        assert_eq!(
            (answer.status, answer.faults()),
            (400, vec!["/targetUrl"]),
            "{url}: {answer:?}"
        );
    }
    let body = integration_with(json!({"actions": [{"name": "a", "targetUrl": "http://10.0.0.1/"}]}));
    assert_eq!(
        api.post("/outbound-integrations?orgId=10", body).await.faults(),
        ["/actions/0/targetUrl"]
    );
    api.integration(
        10,
        integration_with(json!({"targetUrl": "https://nobody-knows-this.invalid/"})),
    )
    .await;
}

#[tokio::test]
async fn fault_for_an_entity_of_another_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    api.unit(10, 11).await;
    api.unit(20, 21).await;
    let answer = api
        .post(
            "/outbound-integrations?orgId=10",
            integration_with(json!({"tenantId": 21, "excludedEntityRids": [11, 21, 10]})),
        )
        .await;
    assert_eq!(
        answer.faults(),
        ["/excludedEntityRids", "/excludedEntityRids", "/tenantId"],
        "{answer:?}"
    );
    api.integration(10, integration_with(json!({"excludedEntityRids": [11]})))
        .await;
}

#[tokio::test]
async fn fault_for_a_duplicate_key_in_a_body() {
    let api = Api::start().await;
    let request = api.request("POST", "/admin/orgs").header("content-type", "application/json");
    let answer = api.send(request, r#"{"orgId":1,"name":"a","name":"b"}"#.into()).await;
    assert_eq!((answer.status, answer.faults()), (400, vec![""]), "{answer:?}");
}

#[tokio::test]
async fn faults_of_parameters_are_reported_by_name() {
    let api = Api::start().await;
    api.org(10).await;
    for (path, parameter) in [
        ("/outbound-integrations", "orgId"),
        ("/outbound-integrations?orgId=x", "orgId"),
        ("/outbound-integrations?orgId=10&page=0", "page"),
        ("/outbound-integrations?orgId=10&page=99999999999999999999", "page"),
        ("/outbound-integrations?orgId=10&limit=501", "limit"),
        ("/logs?orgId=10&startDate=yesterday", "startDate"),
        ("/logs?orgId=10&status=GREAT", "status"),
    ] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.status, &answer.json["details"][0]["parameter"]),
            (400, &json!(parameter)),
            "{path}: {answer:?}"
        );
    }
}
