//! Everything of a call that is known when its integration's configuration arrives.

use std::sync::Arc;

use http::Uri;
use http::header::HeaderMap;
use ig_core::fault::Faults;
use ig_core::inbound::{InboundIntegration, ProxyTimeouts};

use super::address::{BadAddress, join_address};
use crate::exchange::CredentialMask;
use crate::signature::Signer;
use crate::template::{auth, credential_mask, headers, token_key};
use crate::tokens::TokenKey;

/// What all calls of one inbound integration share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ProxyTemplate(Arc<CallSpec>);

#[derive(Debug)]
pub(super) struct CallSpec {
    pub(super) target: Uri,
    pub(super) headers: HeaderMap,
    pub(super) credential_mask: CredentialMask,
    pub(super) token_key: Option<TokenKey>,
    pub(super) signer: Option<Signer>,
    pub(super) timeouts: ProxyTimeouts,
}

impl ProxyTemplate {
    /// Compiles an inbound integration. What cannot be applied is a fault with a JSON pointer, and then nothing may be sent.
    pub fn compile(integration: &InboundIntegration) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut own = HeaderMap::new();
        auth::add_credentials(&integration.auth, &mut own, &mut faults);
        headers::add_custom(&integration.headers, &mut own, &mut faults);
        faults.into_result(Self(Arc::new(CallSpec {
            target: integration.target.uri().clone(),
            credential_mask: credential_mask(&own),
            headers: own,
            token_key: token_key(integration.org_id, &integration.auth),
            signer: integration.signing.as_ref().map(Signer::new),
            timeouts: integration.timeouts,
        })))
    }

    /// Whether calls are signed, which takes their whole body.
    pub fn signs(&self) -> bool {
        self.0.signer.is_some()
    }

    /// The time limits of a call's steps.
    pub fn timeouts(&self) -> ProxyTimeouts {
        self.0.timeouts
    }

    /// The address of a call with this path suffix and query.
    pub fn address(&self, path: &str, query: &str) -> Result<Uri, BadAddress> {
        join_address(&self.0.target, path, query)
    }

    pub(super) fn spec(&self) -> &CallSpec {
        &self.0
    }
}
