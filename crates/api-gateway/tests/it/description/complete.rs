//! Completeness of the description.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Operation, description, operations, resolved};
use crate::api::Api;

/// The errors that follow from an operation's input.
fn expected(operation: &Operation) -> BTreeSet<&'static str> {
    let parameters = operation.parameters();
    let takes = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    let names = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let has_body = operation.what.get("requestBody").is_some();
    let in_an_org = names("orgId") && !operation.path.starts_with("/api/v1/admin/");
    let passes_on = operation.path.starts_with("/api/v1/integrations/");
    let rules = [
        (true, &["403", "429", "500", "503"][..]),
        (!operation.is_open(), &["401"]),
        (has_body || !parameters.is_empty(), &["400"]),
        (has_body, &["408", "413", "415"]),
        (takes("path") || in_an_org, &["404"]),
        (names("If-Match"), &["412"]),
        (
            ["put", "patch", "delete"].contains(&operation.method.as_str()) && !passes_on,
            &["409"],
        ),
        (passes_on, &["405", "502", "504"]),
    ];
    let holding = rules.into_iter().filter(|(holds, _)| *holds);
    holding.flat_map(|(_, statuses)| statuses.iter().copied()).collect()
}

#[tokio::test]
async fn description_names_every_operations_errors_in_the_usual_shape() {
    let api = Api::start().await;
    let description = description(&api).await;
    for operation in operations(&description) {
        let named = operation.statuses();
        assert!(
            !named.contains("default"),
            "{} hides its errors behind a default",
            operation.name
        );
        let missing: Vec<_> = expected(&operation)
            .into_iter()
            .filter(|status| !named.contains(status))
            .collect();
        assert!(missing.is_empty(), "{} lacks {missing:?}", operation.name);
        for status in named.iter().filter(|status| !status.starts_with('2')) {
            let answer = operation.answer(&description, status).expect("it is named");
            let schema = &answer["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/ErrorBody", "{} {status}", operation.name);
            let code = &answer["content"]["application/json"]["example"]["statusCode"];
            assert_eq!(code.to_string(), **status, "{}", operation.name);
        }
    }
}

#[tokio::test]
async fn description_names_the_headers_of_every_response() {
    let api = Api::start().await;
    let description = description(&api).await;
    for operation in operations(&description) {
        for status in operation.statuses() {
            let headers = &operation.answer(&description, status).expect("it is named")["headers"];
            let also = match status {
                "401" => &["WWW-Authenticate"][..],
                "429" | "503" => &["Retry-After"],
                _ => &[],
            };
            for header in [
                "X-Request-Id",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
            ]
            .iter()
            .chain(also)
            {
                let header = resolved(&description, &headers[header]);
                assert!(header["schema"]["type"].is_string(), "{} {status}: {headers}", operation.name);
            }
        }
    }
}

#[tokio::test]
async fn description_gives_every_operation_a_unique_name_a_summary_a_tag_and_security() {
    let api = Api::start().await;
    let description = description(&api).await;
    let mut names = BTreeSet::new();
    for operation in operations(&description) {
        let text = |field: &str| operation.what[field].as_str().unwrap_or_default().to_owned();
        let (id, summary) = (text("operationId"), text("summary"));
        assert!(names.insert(id.clone()), "{} is called {id}, as another is", operation.name);
        assert!(
            !id.is_empty() && id.chars().all(char::is_alphanumeric),
            "{}: {id}",
            operation.name
        );
        let is_sentence = !summary.is_empty() && !summary.contains(['\n']) && !summary.contains(". ");
        assert!(is_sentence, "{} says: {summary:?}", operation.name);
        assert!(operation.what["tags"][0].is_string(), "{} has no tag", operation.name);
        let security = operation.what.get("security").unwrap_or(&description["security"]);
        let schemes = security.as_array().expect("security").iter().filter_map(Value::as_object);
        for scheme in schemes.flat_map(serde_json::Map::keys) {
            let known = &description["components"]["securitySchemes"][scheme];
            assert!(known.is_object(), "{} needs {scheme}, which nobody knows", operation.name);
        }
    }
    let open: Vec<_> = operations(&description).into_iter().filter(Operation::is_open).collect();
    let open: Vec<_> = open.iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(open, ["post /api/v1/auth/login", "get /api/v1/health"]);
}

#[tokio::test]
async fn description_lists_the_media_types_of_exports() {
    let api = Api::start().await;
    let description = description(&api).await;
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    for (path, kinds) in [
        ("lookups/export", ["text/csv", xlsx]),
        ("lookups/import/template", ["text/csv", xlsx]),
        ("logs/export", ["text/csv", "application/x-ndjson"]),
    ] {
        let content = &description["paths"][format!("/api/v1/{path}")]["get"]["responses"]["200"]["content"];
        assert!(kinds.iter().all(|kind| content[kind].is_object()), "{path}: {content}");
    }
    let taken = &description["paths"]["/api/v1/lookups/import"]["post"]["requestBody"]["content"];
    assert!(taken["text/csv"].is_object() && taken[xlsx].is_object(), "{taken}");
}
