//! Refuses unknown query parameters: a filter that is silently ignored would list everything.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Query, Request};
use http::Method;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::BASE;
use crate::error::ApiError;

/// Clients may name their organisation in every request, even where it is not needed.
const ORG: &str = "orgId";

/// The query parameters of each operation, from the API description, which a test keeps complete.
#[derive(Debug)]
pub(super) struct Parameters(HashMap<String, HashMap<Method, Vec<String>>>);

impl Parameters {
    /// The parameters of all described operations except runtime calls, whose parameters belong to their targets.
    pub(super) fn of(openapi: &OpenApi) -> Self {
        let proxied = format!("{BASE}/integrations/");
        let paths = openapi.paths.paths.iter().filter(|(path, _)| !path.starts_with(&proxied));
        Self(paths.map(|(path, item)| (path.clone(), operations(item))).collect())
    }

    /// Refuses a request with unknown parameters, and names them.
    pub(super) fn check(&self, request: &Request) -> Result<(), ApiError> {
        let Some(query) = request.uri().query().filter(|query| !query.is_empty()) else {
            return Ok(());
        };
        let method = if request.method() == Method::HEAD {
            &Method::GET
        } else {
            request.method()
        };
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let operations = path.and_then(|path| self.0.get(path));
        let Some(known) = operations.and_then(|operations| operations.get(method)) else {
            return Ok(());
        };
        let Ok(Query(given)) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()) else {
            return Err(ApiError::parameter("query", format!("cannot be read: {query:.100}")));
        };
        let names = given.iter().map(|(name, _)| name.as_str());
        let unknown: Vec<_> = names
            .filter(|name| *name != ORG && !known.iter().any(|known| known == name))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let message = match known.as_slice() {
            [] => "is no parameter of this operation, which has none".to_owned(),
            known => format!("is no parameter of this operation, which has {}", known.join(", ")),
        };
        Err(ApiError::parameters(unknown.into_iter(), &message))
    }
}

fn operations(item: &PathItem) -> HashMap<Method, Vec<String>> {
    let all = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    let described = all.into_iter();
    described
        .filter_map(|(method, operation)| Some((method, query_names(operation.as_ref()?))))
        .collect()
}

fn query_names(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten();
    let of_query = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => matches!(parameter.parameter_in, ParameterIn::Query).then(|| parameter.name.clone()),
        RefOr::Ref(_) => None,
    });
    of_query.collect()
}
