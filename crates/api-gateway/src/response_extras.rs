//! Extras that inner layers add to the response of the outermost one.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ig_core::access::Actor;
use ig_core::id::OrgId;
use parking_lot::Mutex;

/// Notes about one request; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseExtras(Arc<Mutex<Notes>>);

/// The collected notes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Headers for the response.
    pub headers: HeaderMap,
    /// The caller, for the log.
    pub caller: Option<String>,
    /// The organisation, for the log.
    pub org: Option<OrgId>,
}

impl ResponseExtras {
    /// The extras of a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get().cloned().unwrap_or_default()
    }

    /// Notes the caller's identifier, but not the name, which may be a person's.
    pub(crate) fn note_caller(&self, actor: &Actor) {
        self.0.lock().caller = Some(format!("{}:{}", actor.kind.as_str(), actor.id));
    }

    /// Notes the organisation.
    pub(crate) fn note_org(&self, org: OrgId) {
        self.0.lock().org = Some(org);
    }

    /// Adds a header to the response.
    pub(crate) fn add_header(&self, name: HeaderName, value: impl Into<HeaderValue>) {
        self.0.lock().headers.insert(name, value.into());
    }

    /// Takes the collected notes.
    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut self.0.lock())
    }
}
