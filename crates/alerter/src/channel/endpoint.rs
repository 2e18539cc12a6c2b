//! One request to an address that a tenant chose, through the guarded exit.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, StatusCode};
use ig_core::breaker::BreakerPolicy;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::{AllowedMethods, ClientAuth, InboundIntegration, Logging, ProxyMethod, ProxyTimeouts};
use ig_core::integration::{DEFAULT_SCRIPT_TIMEOUT, OutgoingAuth, Signing, TargetUrl};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::secret::MASK;
use ig_delivery::{CallError, ProxiedCall, ProxyResponse, ProxyTemplate, Upload, retry_after};
use serde_json::Value;
use tokio::time::Instant;

use super::exits::{Exits, TIMEOUT};
use super::outcome::SendError;
use crate::message::{MaskedText, NoticeId, first_bytes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How much of an answer is quoted where it refuses a notice, in bytes.
const MAX_QUOTED_BYTES: usize = 512;
/// A shorter secret would match in ordinary text.
const MIN_SECRET_BYTES: usize = 6;
const AGENT: &str = concat!("Integration-Gateway/", env!("CARGO_PKG_VERSION"));

/// An address with its credentials, compiled: what cannot be applied is a fault. The address may itself be a secret and never prints.
#[derive(Clone)]
pub(super) struct Endpoint {
    template: ProxyTemplate,
    secrets: BTreeSet<String>,
}

/// What is sent to an endpoint.
pub(super) struct Outgoing<'a> {
    method: Method,
    /// Appended to the endpoint's path.
    path: &'a str,
    /// Appended to the endpoint's query.
    query: &'a str,
    body: Option<Value>,
    /// Signs the request under this identifier, where the endpoint signs.
    id: Option<&'a NoticeId>,
}

impl<'a> Outgoing<'a> {
    /// A POST of JSON to the endpoint's address.
    pub(super) fn post(body: Value) -> Self {
        Self {
            method: Method::POST,
            path: "",
            query: "",
            body: Some(body),
            id: None,
        }
    }

    /// A request without a body to the endpoint's address.
    pub(super) fn empty(method: Method) -> Self {
        Self {
            method,
            body: None,
            ..Self::post(Value::Null)
        }
    }

    /// The same request, below the endpoint's address.
    pub(super) fn at(self, path: &'a str, query: &'a str) -> Self {
        Self { path, query, ..self }
    }

    /// The same request, signed under an identifier.
    pub(super) fn signed(self, id: &'a NoticeId) -> Self {
        Self { id: Some(id), ..self }
    }
}

impl Endpoint {
    /// Compiles an address; `auth` must not need a token endpoint.
    pub(super) fn new(url: &TargetUrl, auth: &OutgoingAuth, signing: Option<Signing>) -> Result<Self, Faults> {
        if let OutgoingAuth::OAuth2(_) = auth {
            return Err(Faults::single(
                "/outgoingAuthType",
                "must not be OAUTH2 for a notification channel",
            ));
        }
        let mut secrets = secrets_of(auth);
        secrets.extend(url.uri().path_and_query().map(ToString::to_string));
        Ok(Self {
            template: ProxyTemplate::compile(&call_template(url, auth, signing)?)?,
            secrets: secrets
                .into_iter()
                .filter(|secret| secret.len() >= MIN_SECRET_BYTES)
                .collect(),
        })
    }

    /// The same endpoint, which hides one more secret in the answers that it quotes.
    pub(super) fn hiding(mut self, secret: &str) -> Self {
        if secret.len() >= MIN_SECRET_BYTES {
            self.secrets.insert(secret.to_owned());
        }
        self
    }

    /// Sends a request once. Redirects are not followed. Any 2xx is a success, whatever its body.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>, exits: &Exits) -> Result<Timestamp, SendError> {
        let call = self.call(outgoing, exits.now())?;
        let deadline = Instant::now() + exits.timeout();
        let response = exits.proxy().pass(&call, deadline).await.map_err(from_call_error)?;
        let now = exits.now();
        match ErrorCategory::of_status(response.status.as_u16()) {
            None => Ok(now),
            Some(category) => Err(self.refusal(category, response, now).await),
        }
    }

    fn call(&self, outgoing: Outgoing<'_>, now: Timestamp) -> Result<ProxiedCall, SendError> {
        let Outgoing {
            method,
            path,
            query,
            body,
            id,
        } = outgoing;
        let address = self.template.address(path, query);
        let address = address.map_err(|error| SendError::permanent(format!("The channel's address does not fit: {error}.")))?;
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let call = ProxiedCall::new(self.template.clone(), method, address, headers, Upload::Whole(body));
        Ok(match id {
            Some(id) => call.signed(id.as_str(), now),
            None => call,
        })
    }

    /// Why the receiver refuses, in its own words as far as they are safe to show.
    async fn refusal(&self, category: ErrorCategory, response: ProxyResponse, now: Timestamp) -> SendError {
        let wait = retry_after(&response.headers, now);
        let message = match self.quoted(response).await {
            (status, None) => format!("The channel answered {status}."),
            (status, Some(quoted)) => format!("The channel answered {status}: {quoted}"),
        };
        Failure {
            category,
            message,
            retry_after: wait,
        }
        .into()
    }

    async fn quoted(&self, mut response: ProxyResponse) -> (StatusCode, Option<String>) {
        let (status, mask) = (response.status, response.take_mask());
        let Ok(Some(body)) = response.body.collect_up_to(MAX_ANSWER_BYTES).await else {
            return (status, None);
        };
        let text = String::from_utf8_lossy(&mask(body)).into_owned();
        let text = self.secrets.iter().fold(text, |text, secret| text.replace(secret, MASK));
        let plain: String = text
            .chars()
            .map(|character| if "{}[]\"".contains(character) { ' ' } else { character })
            .collect();
        let quoted = MaskedText::new(first_bytes(&plain, MAX_QUOTED_BYTES)).to_string();
        (status, Some(quoted).filter(|quoted| !quoted.is_empty()))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

fn from_call_error(error: CallError) -> SendError {
    match error {
        CallError::Target(failure) | CallError::NotConnected(failure) => failure.into(),
        // The body is complete, so nothing can be wrong with the side that it comes from.
        CallError::ClientAborted | CallError::ClientStalled(_) => SendError::transient("The request broke off."),
    }
}

/// The secrets that an answer might echo.
fn secrets_of(auth: &OutgoingAuth) -> BTreeSet<String> {
    match auth {
        OutgoingAuth::None | OutgoingAuth::OAuth2(_) => BTreeSet::new(),
        OutgoingAuth::ApiKey { api_key, .. } => BTreeSet::from([api_key.expose().to_owned()]),
        OutgoingAuth::Bearer { token } => BTreeSet::from([token.expose().to_owned()]),
        OutgoingAuth::Basic { password, .. } => BTreeSet::from([password.expose().to_owned()]),
        OutgoingAuth::CustomHeaders { headers } => headers.iter().map(|(_, value)| value.expose().to_owned()).collect(),
    }
}

/// The guarded exit sends the calls of integrations: this is one that has an address, credentials and time limits, and nothing else.
fn call_template(url: &TargetUrl, auth: &OutgoingAuth, signing: Option<Signing>) -> Result<InboundIntegration, Faults> {
    let never = Timestamp::default();
    Ok(InboundIntegration {
        id: IntegrationId([0; 12]),
        org_id: OrgId(0),
        tenant_id: OrgId(0).as_entity(),
        route: "notification".parse()?,
        name: String::new(),
        is_active: true,
        hold: None,
        methods: AllowedMethods::new([ProxyMethod::Post, ProxyMethod::Get])?,
        target: url.clone(),
        path_suffix: true,
        client_auth: ClientAuth::None,
        allowed_addresses: Vec::new(),
        auth: auth.clone(),
        signing,
        headers: Vec::new(),
        request: None,
        response: None,
        script_timeout: DEFAULT_SCRIPT_TIMEOUT,
        timeouts: ProxyTimeouts {
            connect: CONNECT_TIMEOUT,
            first_byte: TIMEOUT,
            idle: TIMEOUT,
            total: TIMEOUT,
        },
        attempts: 1,
        max_concurrency: 1,
        rate_limit: None,
        breaker: BreakerPolicy::default(),
        log_level: None,
        logging: Logging::default(),
        revision: 0,
        created_at: never,
        updated_at: never,
    })
}
