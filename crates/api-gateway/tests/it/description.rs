//! The API description.

use std::collections::BTreeSet;

use http::Request;
use serde_json::{Value, json};

use crate::api::Api;

mod complete;
mod examples;
mod page;
mod truth;

/// An operation of the description, with its method and path.
struct Operation {
    name: String,
    method: String,
    path: String,
    what: Value,
}

async fn description(api: &Api) -> Value {
    let answer = api.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    answer.json
}

fn operations(description: &Value) -> Vec<Operation> {
    let paths = description["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations");
        item.iter().map(move |(method, what)| Operation {
            name: format!("{method} {path}"),
            method: method.clone(),
            path: path.clone(),
            what: what.clone(),
        })
    });
    operations.collect()
}

impl Operation {
    /// A response, with its reference resolved.
    fn answer<'a>(&'a self, description: &'a Value, status: &str) -> Option<&'a Value> {
        let answer = self.what["responses"].get(status)?;
        Some(resolved(description, answer))
    }

    fn statuses(&self) -> BTreeSet<&str> {
        let answers = self.what["responses"].as_object().expect("answers");
        answers.keys().map(String::as_str).collect()
    }

    fn parameters(&self) -> Vec<&Value> {
        self.what["parameters"].as_array().into_iter().flatten().collect()
    }

    fn is_open(&self) -> bool {
        self.what["security"] == json!([{}])
    }
}

/// Resolves a reference; any other value is returned as is.
fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value["$ref"].as_str() else {
        return value;
    };
    description
        .pointer(reference.trim_start_matches('#'))
        .unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

#[tokio::test]
async fn description_references_all_resolve() {
    let api = Api::start().await;
    let description = description(&api).await;
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

#[tokio::test]
async fn description_is_readable_without_a_key() {
    let api = Api::start().await;
    let request = Request::get(format!("http://{}/api/v1/openapi.json", api.at.http));
    let answer = api.send(request, axum::body::Body::empty()).await;
    assert_eq!(
        (answer.status, answer.json["openapi"].as_str().map(|version| &version[..3])),
        (200, Some("3.1"))
    );
}
