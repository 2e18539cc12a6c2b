//! All of a call that is known when its integration's configuration arrives.

use std::sync::Arc;

use http::Uri;
use http::header::HeaderMap;
use ig_core::fault::Faults;
use ig_core::inbound::{InboundIntegration, ProxyTimeouts};

use super::address::{BadAddress, joined};
use crate::exchange::Credentials;
use crate::signature::Signer;
use crate::template::{auth, credentials, grant, headers};
use crate::tokens::Grant;

/// The part that every call of one inbound integration has in common. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ProxyTemplate(Arc<Parts>);

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) target: Uri,
    pub(super) headers: HeaderMap,
    pub(super) credentials: Credentials,
    pub(super) grant: Option<Grant>,
    pub(super) signer: Option<Signer>,
    pub(super) timeouts: ProxyTimeouts,
}

impl ProxyTemplate {
    /// Reads an inbound integration; what cannot be applied is a fault by JSON pointer, and nothing may be sent then.
    pub fn compile(integration: &InboundIntegration) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut own = HeaderMap::new();
        auth::apply(&integration.auth, &mut own, &mut faults);
        headers::add_custom(&integration.headers, &mut own, &mut faults);
        faults.into_result(Self(Arc::new(Parts {
            target: integration.target.uri().clone(),
            credentials: credentials(&own),
            headers: own,
            grant: grant(integration.org_id, &integration.auth),
            signer: integration.signing.as_ref().map(Signer::new),
            timeouts: integration.timeouts,
        })))
    }

    /// Whether a call is signed, which takes all of its body.
    pub fn signs(&self) -> bool {
        self.0.signer.is_some()
    }

    /// How long the steps of a call may take.
    pub fn timeouts(&self) -> ProxyTimeouts {
        self.0.timeouts
    }

    /// Where a call goes whose path goes on after the integration's name, and whose query is this.
    pub fn address(&self, path: &str, query: &str) -> Result<Uri, BadAddress> {
        joined(&self.0.target, path, query)
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }
}
