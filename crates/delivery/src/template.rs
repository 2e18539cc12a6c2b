//! All of a request that is known when its integration's configuration arrives.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::integration::{HttpMethod, Integration, OutgoingAuth, PlannedAction};

use crate::exchange::Credentials;
use crate::prepared::{Message, Prepared};
use crate::signature::Signer;
use crate::tokens::Grant;

pub(crate) mod auth;
pub(crate) mod headers;

pub use headers::is_reserved as is_reserved_header;

pub(crate) const AGENT: &str = concat!("Integration-Gateway/", env!("CARGO_PKG_VERSION"));

/// The part that every request of one action of one integration has in common. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Template(Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) credentials: Credentials,
    pub(crate) grant: Option<Grant>,
    pub(crate) signer: Option<Signer>,
    pub(crate) timeout: Duration,
}

impl Template {
    /// Reads an integration and one of its actions; what cannot be applied is a fault by JSON pointer, and nothing may be sent then.
    pub fn compile(integration: &Integration, action: &PlannedAction<'_>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut headers = own();
        auth::apply(&integration.auth, &mut headers, &mut faults);
        headers::add_custom(&integration.headers, &mut headers, &mut faults);
        faults.into_result(Self(Arc::new(Parts {
            method: method(action.target.method),
            uri: action.target.url.uri().clone(),
            credentials: credentials(&headers),
            grant: grant(integration.org_id, &integration.auth),
            headers,
            signer: integration.signing.as_ref().map(Signer::new),
            timeout: integration.timeout,
        })))
    }

    /// Adds what one delivery has for itself.
    pub fn prepare(&self, message: Message) -> Prepared {
        Prepared::new(self.clone(), message)
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }
}

/// What a token is granted for, where deliveries carry one.
pub(crate) fn grant(org: OrgId, auth: &OutgoingAuth) -> Option<Grant> {
    match auth {
        OutgoingAuth::OAuth2(credentials) => Some(Grant::new(org, (**credentials).clone())),
        OutgoingAuth::None
        | OutgoingAuth::ApiKey { .. }
        | OutgoingAuth::Bearer { .. }
        | OutgoingAuth::Basic { .. }
        | OutgoingAuth::CustomHeaders { .. } => None,
    }
}

/// The values that were marked as credentials when they were applied.
pub(crate) fn credentials(headers: &HeaderMap) -> Credentials {
    let marked = headers.values().filter(|value| value.is_sensitive());
    Credentials::new(marked.map(HeaderValue::as_bytes))
}

fn own() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers
}

fn method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
    }
}
