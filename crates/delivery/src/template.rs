//! Everything of a request that is known when its integration's configuration arrives.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::integration::{HttpMethod, Integration, OutgoingAuth, PlannedAction};

use crate::exchange::CredentialMask;
use crate::prepared::{Message, Prepared};
use crate::signature::Signer;
use crate::tokens::TokenKey;

pub(crate) mod auth;
pub(crate) mod headers;

pub use headers::is_reserved as is_reserved_header;

pub(crate) const AGENT: &str = concat!("Integration-Gateway/", env!("CARGO_PKG_VERSION"));

/// What all requests of one action of one integration share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Template(Arc<RequestSpec>);

#[derive(Debug)]
pub(crate) struct RequestSpec {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) credential_mask: CredentialMask,
    pub(crate) token_key: Option<TokenKey>,
    pub(crate) signer: Option<Signer>,
    pub(crate) timeout: Duration,
}

impl Template {
    /// Compiles an integration and one of its actions. What cannot be applied is a fault with a JSON pointer, and then nothing may be sent.
    pub fn compile(integration: &Integration, action: &PlannedAction<'_>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut headers = base_headers();
        auth::add_credentials(&integration.auth, &mut headers, &mut faults);
        headers::add_custom(&integration.headers, &mut headers, &mut faults);
        faults.into_result(Self(Arc::new(RequestSpec {
            method: http_method(action.target.method),
            uri: action.target.url.uri().clone(),
            credential_mask: credential_mask(&headers),
            token_key: token_key(integration.org_id, &integration.auth),
            headers,
            signer: integration.signing.as_ref().map(Signer::new),
            timeout: integration.timeout,
        })))
    }

    /// Adds the data of one delivery.
    pub fn prepare(&self, message: Message) -> Prepared {
        Prepared::new(self.clone(), message)
    }

    pub(crate) fn spec(&self) -> &RequestSpec {
        &self.0
    }
}

/// The cache key of the token, where deliveries carry one.
pub(crate) fn token_key(org: OrgId, auth: &OutgoingAuth) -> Option<TokenKey> {
    match auth {
        OutgoingAuth::OAuth2(credentials) => Some(TokenKey::new(org, (**credentials).clone())),
        OutgoingAuth::None
        | OutgoingAuth::ApiKey { .. }
        | OutgoingAuth::Bearer { .. }
        | OutgoingAuth::Basic { .. }
        | OutgoingAuth::CustomHeaders { .. } => None,
    }
}

/// The mask of all headers that were marked as credentials.
pub(crate) fn credential_mask(headers: &HeaderMap) -> CredentialMask {
    let marked = headers.values().filter(|value| value.is_sensitive());
    CredentialMask::new(marked.map(HeaderValue::as_bytes))
}

fn base_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers
}

fn http_method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
    }
}
