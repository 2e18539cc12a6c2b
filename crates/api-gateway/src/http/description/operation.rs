//! An operation on its way into the description, and the properties that follow from it.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Response};

use crate::http::BASE;

/// POSTs that only read.
const READ_ONLY_POSTS: [&str; 7] = [
    "/preview",
    "/next-runs",
    "/test-datasource",
    "/resolve",
    "/reverse",
    "/auth/login",
    "/auth/logout",
];

/// An operation and its place in the API.
pub(super) struct DescribedOperation<'a> {
    /// The method, in lower case.
    pub method: &'static str,
    /// The full path with the base, and names in braces.
    pub path: &'a str,
    /// The operation's description.
    pub operation: &'a mut Operation,
}

impl DescribedOperation<'_> {
    /// The path below the base.
    pub(super) fn relative_path(&self) -> &str {
        self.path.strip_prefix(BASE).unwrap_or(self.path)
    }

    /// Whether it needs no authentication.
    pub(super) fn is_public(&self) -> bool {
        self.operation.security.as_ref().is_some_and(|requirements| {
            // `security(())` is a single, empty requirement.
            requirements
                .iter()
                .all(|one| serde_json::to_value(one).is_ok_and(|one| one == serde_json::json!({})))
        })
    }

    /// Whether it takes a body.
    pub(super) fn has_body(&self) -> bool {
        self.operation.request_body.is_some()
    }

    /// Whether it takes any input that can be invalid.
    pub(super) fn takes_input(&self) -> bool {
        self.has_body() || self.parameters().next().is_some()
    }

    /// Whether it proxies to an outside API.
    pub(super) fn is_proxied(&self) -> bool {
        self.relative_path().starts_with("/integrations/")
    }

    /// Whether it may change the gateway's own data.
    pub(super) fn is_mutating(&self) -> bool {
        self.method != "get" && !self.is_proxied() && !READ_ONLY_POSTS.iter().any(|end| self.path.ends_with(end))
    }

    /// Whether it decrypts secrets of configuration items.
    pub(super) fn decrypts_secrets(&self) -> bool {
        let with_secrets = [
            "/outbound-integrations",
            "/inbound-integrations",
            "/scheduled-jobs",
            "/configuration",
        ];
        with_secrets.iter().any(|prefix| self.relative_path().starts_with(prefix))
    }

    /// Whether it refers to an item that may not exist: one named in the path, or an organisation.
    pub(super) fn refers_to_item(&self) -> bool {
        let is_admin = self.relative_path().starts_with("/admin/");
        self.parameters().any(|parameter| match parameter.parameter_in {
            ParameterIn::Path => true,
            ParameterIn::Query => parameter.name == "orgId" && !is_admin,
            _ => false,
        })
    }

    /// Whether it takes a revision that guards against lost updates.
    pub(super) fn is_guarded(&self) -> bool {
        is_guarded(self.operation)
    }

    /// The successful responses.
    pub(super) fn successes(&mut self) -> impl Iterator<Item = &mut Response> {
        let responses = self.operation.responses.responses.iter_mut();
        responses.filter_map(|(status, response)| match response {
            RefOr::T(response) if status.starts_with('2') => Some(response),
            RefOr::T(_) | RefOr::Ref(_) => None,
        })
    }

    fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        parameters(self.operation)
    }
}

/// Whether an operation takes `If-Match`.
pub(super) fn is_guarded(operation: &Operation) -> bool {
    parameters(operation).any(|parameter| parameter.name == "If-Match")
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}
