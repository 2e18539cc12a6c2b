//! An operation on its way into the description, and what can be told from it.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Response};

use crate::http::BASE;

/// POSTs that look something up and change nothing.
const LOOKS: [&str; 5] = ["/preview", "/resolve", "/reverse", "/auth/login", "/auth/logout"];

/// One operation with where it is found.
pub(super) struct Described<'a> {
    /// In lower case.
    pub method: &'static str,
    /// With the base, and names in braces.
    pub path: &'a str,
    /// What is said of it.
    pub operation: &'a mut Operation,
}

impl Described<'_> {
    /// Its path below the base.
    pub(super) fn place(&self) -> &str {
        self.path.strip_prefix(BASE).unwrap_or(self.path)
    }

    /// Whether anybody may call it.
    pub(super) fn is_open(&self) -> bool {
        self.operation.security.as_ref().is_some_and(|needed| {
            // `security(())` is one requirement of nothing.
            needed
                .iter()
                .all(|one| serde_json::to_value(one).is_ok_and(|one| one == serde_json::json!({})))
        })
    }

    /// Whether it takes a body.
    pub(super) fn has_body(&self) -> bool {
        self.operation.request_body.is_some()
    }

    /// Whether something can be wrong with what it takes.
    pub(super) fn takes_anything(&self) -> bool {
        self.has_body() || self.parameters().next().is_some()
    }

    /// Whether it goes on to an outside API.
    pub(super) fn passes_on(&self) -> bool {
        self.place().starts_with("/integrations/")
    }

    /// Whether it may change something of the gateway's.
    pub(super) fn changes(&self) -> bool {
        self.method != "get" && !self.passes_on() && !LOOKS.iter().any(|end| self.path.ends_with(end))
    }

    /// Whether it opens what is sealed of configured items.
    pub(super) fn opens_secrets(&self) -> bool {
        let sealed = [
            "/outbound-integrations",
            "/inbound-integrations",
            "/scheduled-jobs",
            "/configuration",
        ];
        sealed.iter().any(|place| self.place().starts_with(place))
    }

    /// Whether it is about something that may not exist: what its path names, or an organisation.
    pub(super) fn names_something(&self) -> bool {
        let is_admin = self.place().starts_with("/admin/");
        self.parameters().any(|parameter| match parameter.parameter_in {
            ParameterIn::Path => true,
            ParameterIn::Query => parameter.name == "orgId" && !is_admin,
            _ => false,
        })
    }

    /// Whether it is held back where the revision that was seen is not the stored one.
    pub(super) fn is_guarded(&self) -> bool {
        is_guarded(self.operation)
    }

    /// Its answers that are successes.
    pub(super) fn successes(&mut self) -> impl Iterator<Item = &mut Response> {
        let answers = self.operation.responses.responses.iter_mut();
        answers.filter_map(|(status, answer)| match answer {
            RefOr::T(answer) if status.starts_with('2') => Some(answer),
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
