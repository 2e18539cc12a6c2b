//! What the outermost layer adds to an answer, noted by those further in.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ig_core::access::Actor;
use ig_core::id::OrgId;
use parking_lot::Mutex;

/// Notes on one request; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseExtras(Arc<Mutex<Notes>>);

/// What was noted.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Headers for the answer.
    pub headers: HeaderMap,
    /// Who sent the request, for the log.
    pub caller: Option<String>,
    /// What it was about, for the log.
    pub org: Option<OrgId>,
}

impl ResponseExtras {
    /// That of a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get().cloned().unwrap_or_default()
    }

    /// Notes who sent the request: not their name, which may be a person's.
    pub(crate) fn note_caller(&self, actor: &Actor) {
        self.0.lock().caller = Some(format!("{}:{}", actor.kind.as_str(), actor.id));
    }

    /// Notes what it is about.
    pub(crate) fn note_org(&self, org: OrgId) {
        self.0.lock().org = Some(org);
    }

    /// Adds a header to the answer.
    pub(crate) fn add_header(&self, name: HeaderName, value: impl Into<HeaderValue>) {
        self.0.lock().headers.insert(name, value.into());
    }

    /// Everything that was noted.
    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut self.0.lock())
    }
}
