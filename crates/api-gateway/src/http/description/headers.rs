//! Response headers: those of every response, and those that guide the next request.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, PathItem, PathsMap};
use utoipa::openapi::{Components, Object, Ref, RefOr, Response, Schema, Type};

use super::operation::{DescribedOperation, is_guarded};
use crate::error::ErrorCode;

type Headers = BTreeMap<String, RefOr<Header>>;

/// Every header with the type of its value and its description.
const HEADERS: [(&str, Type, &str); 9] = [
    (
        "X-Request-Id",
        Type::String,
        "The request's id: the caller's own, or a generated one",
    ),
    (
        "X-RateLimit-Limit",
        Type::Integer,
        "The limit of requests per minute, where one applies",
    ),
    ("X-RateLimit-Remaining", Type::Integer, "How many requests are left"),
    (
        "X-RateLimit-Reset",
        Type::Integer,
        "Seconds until the limit allows requests again",
    ),
    (
        "X-Renewed-Token",
        Type::String,
        "The token to use from now on, in place of an ageing one",
    ),
    ("ETag", Type::String, "The revision, for `If-Match`"),
    ("Retry-After", Type::Integer, "Seconds to wait before trying again"),
    ("WWW-Authenticate", Type::String, "How to authenticate"),
    ("Content-Disposition", Type::String, "The file's name"),
];
const COMMON_HEADERS: [&str; 4] = [
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
];

/// Defines the headers where responses refer to them.
pub(super) fn define(components: &mut Components) {
    for (name, kind, what) in HEADERS {
        let schema: Schema = Object::with_type(kind).into();
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(what)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
}

fn header_refs(names: impl IntoIterator<Item = &'static str>) -> Headers {
    let referred = |name: &'static str| (name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
    names.into_iter().map(referred).collect()
}

/// The headers of an error.
pub(super) fn error_headers(code: ErrorCode) -> Headers {
    let own = match code {
        ErrorCode::Unauthorized => Some("WWW-Authenticate"),
        ErrorCode::RateLimited | ErrorCode::ServiceUnavailable => Some("Retry-After"),
        _ => None,
    };
    header_refs(COMMON_HEADERS.into_iter().chain(own))
}

/// The schemas with a revision: those that some operation guards by it.
pub(super) fn revisioned_schemas(paths: &PathsMap<String, PathItem>) -> BTreeSet<String> {
    let operations = paths
        .values()
        .flat_map(|item: &PathItem| [&item.put, &item.patch, &item.post, &item.delete]);
    let guarded = operations.flatten().filter(|operation| is_guarded(operation));
    guarded.flat_map(response_schemas).collect()
}

fn response_schemas(operation: &Operation) -> Vec<String> {
    let responses = operation.responses.responses.values();
    let responses = responses.filter_map(|response| match response {
        RefOr::T(response) => schema_of(response),
        RefOr::Ref(_) => None,
    });
    responses.collect()
}

fn schema_of(response: &Response) -> Option<String> {
    let content = response.content.get("application/json")?;
    let RefOr::T(content) = content else { return None };
    match content.schema.as_ref()? {
        RefOr::Ref(schema) => Some(schema.ref_location.clone()),
        RefOr::T(_) => None,
    }
}

/// Adds the headers to an operation's successful responses.
pub(super) fn complete(described: &mut DescribedOperation<'_>, revisioned: &BTreeSet<String>) {
    let renews = !described.is_public();
    let is_console = described.relative_path() == "/ui-config";
    for response in described.successes() {
        let has_revision = is_console || schema_of(response).is_some_and(|schema| revisioned.contains(&schema));
        let is_file = response.content.keys().any(|kind| kind != "application/json");
        let own = [
            (renews, "X-Renewed-Token"),
            (has_revision, "ETag"),
            (is_file, "Content-Disposition"),
        ];
        let own = own.into_iter().filter_map(|(sends, name)| sends.then_some(name));
        response.headers.extend(header_refs(COMMON_HEADERS.into_iter().chain(own)));
    }
}
