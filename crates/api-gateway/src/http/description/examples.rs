//! Examples of requests and responses, by schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::openapi::{Content, RefOr, Response, Schema};

use super::operation::DescribedOperation;

const FILES: [&str; 7] = [
    include_str!("examples/access.json"),
    include_str!("examples/integrations.json"),
    include_str!("examples/inbound.json"),
    include_str!("examples/jobs.json"),
    include_str!("examples/event_types.json"),
    include_str!("examples/lookups.json"),
    include_str!("examples/deliveries.json"),
];

/// A resource as sent and as returned.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Example {
    request: Option<Value>,
    /// The body of a PATCH.
    patch: Option<Value>,
    answer: Option<Value>,
    /// The schema of its list, and the name of the items there.
    list: Option<(String, String)>,
}

type Examples = BTreeMap<String, Example>;

static EXAMPLES: LazyLock<Examples> = LazyLock::new(|| FILES.into_iter().flat_map(read).collect());

fn read(file: &str) -> Examples {
    serde_json::from_str(file).unwrap_or_default()
}

/// Adds the examples to the bodies of an operation whose schemas have any.
pub(super) fn complete(described: &mut DescribedOperation<'_>) {
    let response_schema = described
        .successes()
        .find_map(|response| schema_of(response.content.get("application/json")?));
    let patched = response_schema.and_then(|schema| EXAMPLES.get(&schema)?.patch.clone());
    for response in described.successes() {
        add_response_example(response);
    }
    let is_patch = described.method == "patch";
    let Some(RefOr::T(body)) = described.operation.request_body.as_mut() else {
        return;
    };
    for content in body.content.values_mut() {
        let sent = || EXAMPLES.get(&schema_of(content)?)?.request.clone();
        let example = if is_patch { patched.clone() } else { sent() };
        set_example(content, example);
    }
}

fn add_response_example(response: &mut Response) {
    for content in response.content.values_mut() {
        let example = schema_of(content).and_then(|schema| response_example(&schema));
        set_example(content, example);
    }
}

fn response_example(schema: &str) -> Option<Value> {
    let alone = EXAMPLES.get(schema).and_then(|example| example.answer.clone());
    alone.or_else(|| EXAMPLES.values().find_map(|example| page(example, schema)))
}

/// A page with the example as its only item.
fn page(example: &Example, schema: &str) -> Option<Value> {
    let (list, items) = example.list.as_ref()?;
    let item = example.answer.as_ref()?;
    (list == schema).then(|| json!({items: [item], "total": 1, "page": 1, "limit": 50, "hasMore": false}))
}

fn set_example(content: &mut RefOr<Content>, example: Option<Value>) {
    if let (RefOr::T(content), Some(example)) = (content, example) {
        content.example = Some(example);
    }
}

fn schema_of(content: &RefOr<Content>) -> Option<String> {
    let RefOr::T(content) = content else { return None };
    match content.schema.as_ref()? {
        RefOr::<Schema>::Ref(schema) => schema.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_files_can_all_be_parsed() {
        for file in FILES {
            let read: Result<Examples, _> = serde_json::from_str(file);
            assert!(read.is_ok_and(|examples| !examples.is_empty()), "{file}");
        }
    }
}
