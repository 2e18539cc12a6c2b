//! The examples in the description.

use serde_json::{Map, Value, json};

use super::{description, operations};
use crate::api::Api;

/// Schemas that are hard to write without an example.
const IMPORTANT: &[&str] = &[
    "Org",
    "Unit",
    "User",
    "ApiKeyAsked",
    "Login",
    "OutboundIntegration",
    "InboundIntegration",
    "ScheduledJob",
    "ScheduledJobEntry",
    "DataSourceTest",
    "NextRunsRequest",
    "WatermarkChange",
    "DataConnection",
    "Template",
    "EventTypeDefinition",
    "FieldSchemaChange",
    "Lookup",
    "LookupBatch",
    "LookupQuestions",
    "Push",
    "PreviewRequest",
];

/// Every body with a label: requests, and responses by status.
fn bodies(description: &Value) -> Vec<(String, Value)> {
    let mut bodies = Vec::new();
    let mut add = |place: String, contents: &Value| {
        let contents = contents.as_object().into_iter().flatten();
        bodies.extend(contents.map(|(kind, content)| (format!("{place} as {kind}"), content.clone())));
    };
    for operation in operations(description) {
        add(format!("{} takes", operation.name), &operation.what["requestBody"]["content"]);
        for status in operation.statuses() {
            let answer = operation.answer(description, status).expect("it is named");
            add(format!("{} answers {status}", operation.name), &answer["content"]);
        }
    }
    bodies
}

fn faults(description: &Value, schema: &Value, example: &Value) -> Vec<String> {
    let mut whole = schema.as_object().cloned().unwrap_or_else(Map::new);
    whole.insert("components".to_owned(), description["components"].clone());
    let schema = jsonschema::draft202012::new(&Value::Object(whole)).expect("a schema");
    schema.iter_errors(example).map(|fault| fault.to_string()).collect()
}

#[tokio::test]
async fn examples_match_their_schemas() {
    let api = Api::start().await;
    let description = description(&api).await;
    let bodies = bodies(&description);
    let examples = bodies
        .iter()
        .filter_map(|(place, body)| Some((place, &body["schema"], body.get("example")?)));
    for (place, schema, example) in examples {
        let faults = faults(&description, schema, example);
        assert!(faults.is_empty(), "{place} {example}: {faults:?}");
    }
}

#[tokio::test]
async fn examples_exist_for_every_body_that_people_write() {
    let api = Api::start().await;
    let description = description(&api).await;
    let bodies = bodies(&description);
    for schema in IMPORTANT {
        let reference = json!(format!("#/components/schemas/{schema}"));
        let taken: Vec<_> = bodies
            .iter()
            .filter(|(place, body)| place.contains(" takes ") && body["schema"]["$ref"] == reference)
            .collect();
        assert!(!taken.is_empty(), "nothing takes {schema}");
        for (place, body) in taken {
            assert!(body.get("example").is_some(), "{place} lacks an example");
        }
    }
}

#[tokio::test]
async fn examples_of_requests_are_accepted() {
    let api = Api::start().await;
    let description = description(&api).await;
    let example =
        |path: &str| description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"].clone();
    let org = example("/api/v1/admin/orgs");
    for path in [
        "/admin/orgs",
        "/admin/orgs/{orgId}/units",
        "/admin/users",
        "/admin/api-keys",
        "/auth/login",
        "/event-types",
        "/outbound-integrations",
        "/inbound-integrations",
        "/scheduled-jobs",
        "/scheduled-jobs/next-runs",
        "/templates",
        "/lookups",
        "/lookups/bulk",
        "/lookups/resolve",
        "/events",
    ] {
        let filled = path.replace("{orgId}", &org["orgId"].to_string());
        let made = api
            .post(
                &format!("{filled}?orgId={}", org["orgId"]),
                example(&format!("/api/v1{path}")),
            )
            .await;
        assert!((200..300).contains(&made.status), "{path}: {made:?}");
    }
}
