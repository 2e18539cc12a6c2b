//! What the API says of itself.

use crate::api::Api;

#[tokio::test]
async fn the_description_names_every_route_and_what_errors_look_like() {
    let api = Api::start().await;
    let answer = api.get("/openapi.json").await;
    assert_eq!(
        (answer.status, answer.json["openapi"].as_str().map(|version| &version[..3])),
        (200, Some("3.1"))
    );
    let paths: Vec<_> = answer.json["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    for path in [
        "/health",
        "/admin/orgs",
        "/admin/orgs/{orgId}",
        "/admin/orgs/{orgId}/units",
        "/admin/orgs/{orgId}/units/{rid}",
        "/outbound-integrations",
        "/outbound-integrations/{id}",
        "/outbound-integrations/{id}/enable",
        "/outbound-integrations/{id}/disable",
        "/event-types",
        "/event-types/{eventType}",
        "/field-schemas",
        "/field-schemas/{eventType}",
        "/lookups",
        "/lookups/{id}",
        "/lookups/bulk",
        "/lookups/bulk/delete",
        "/lookups/resolve",
        "/lookups/reverse",
        "/lookups/statistics",
        "/lookups/types",
        "/lookups/import",
        "/lookups/import/template",
        "/lookups/imports",
        "/lookups/imports/{id}",
        "/lookups/export",
        "/events",
        "/logs",
        "/logs/{id}",
        "/execution-logs",
        "/execution-logs/{id}",
        "/dlq",
        "/dlq/{id}",
        "/scheduled-integrations",
        "/scheduled-integrations/preview",
        "/scheduled-integrations/{id}",
        "/scheduled-integrations/{id}/cancel",
        "/scheduled-integrations/{id}/reschedule",
        "/dlq/{id}/retry",
        "/dlq/bulk/retry",
        "/dlq/statistics",
        "/dlq/redrives",
        "/dlq/redrives/{id}",
        "/alerts",
        "/alerts/{id}",
        "/dashboard",
        "/admin/dashboard",
        "/analytics/summary",
        "/analytics/timeseries",
        "/analytics/integrations",
        "/analytics/event-types",
        "/analytics/errors",
    ] {
        assert!(
            paths.contains(&format!("/api/v1{path}").as_str()),
            "{path} is missing in {paths:?}"
        );
    }
    for (path, item) in answer.json["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let error = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(error, "#/components/schemas/ErrorBody", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let api = Api::start().await;
    let description = api.get("/openapi.json").await.json;
    let text = description.to_string();
    let references: Vec<_> = text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(!references.is_empty());
    for reference in references {
        assert!(description.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}
