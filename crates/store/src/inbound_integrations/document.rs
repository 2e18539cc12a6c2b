//! An inbound integration as stored.

use std::time::Duration;

use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::inbound::{AllowedMethods, InboundIntegration, Logging, ProxyMethod};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::DIRECTION;
use super::client::ClientDocument;
use super::timeouts::TimeoutsDocument;
use crate::error::unreadable;
use crate::field::{date, long, millis, object_id, timestamp, unsigned};
use crate::found::Unreadable;
use crate::integrations::{
    AuthDocument, HeadersDocument, HoldDocument, RateLimitDocument, Sealer, TransformationDocument, log_level, read_breaker,
    read_log_level,
};
use crate::secret_box::SecretBox;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InboundDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    direction: String,
    org_id: i64,
    tenant_id: i64,
    r#type: String,
    name: String,
    is_active: bool,
    hold: Option<HoldDocument>,
    http_methods: Vec<String>,
    target_url: String,
    path_suffix: bool,
    #[serde(flatten)]
    client_auth: ClientDocument,
    allowed_addresses: Vec<String>,
    #[serde(flatten)]
    auth: AuthDocument,
    signing_secrets: Option<Vec<String>>,
    #[serde(flatten)]
    headers: HeadersDocument,
    request: Option<TransformationDocument>,
    response: Option<TransformationDocument>,
    script_timeout_ms: i64,
    timeouts: TimeoutsDocument,
    retry_count: i32,
    max_concurrency: i64,
    rate_limits: Option<RateLimitDocument>,
    probe_after_seconds: Option<i64>,
    log_level: String,
    logging: String,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

const NO_LOG: &str = "NONE";
const REQUIRED: &str = "REQUIRED";
const BEST_EFFORT: &str = "BEST_EFFORT";

impl InboundDocument {
    pub(crate) fn new(inbound: &InboundIntegration, revision: u64, secrets: &SecretBox) -> Result<Self, StoreError> {
        let InboundIntegration {
            id,
            org_id,
            tenant_id,
            route,
            name,
            is_active,
            hold,
            methods,
            target,
            path_suffix,
            client_auth,
            allowed_addresses,
            auth,
            signing,
            headers,
            request,
            response,
            script_timeout,
            timeouts,
            attempts,
            max_concurrency,
            rate_limit,
            breaker,
            log_level: level,
            logging,
            revision: _,
            created_at,
            updated_at,
        } = inbound;
        let sealer = Sealer::of(secrets, *id);
        let signing = signing.as_ref().map(|signing| sealer.signing(signing, "signing"));
        Ok(Self {
            id: object_id(id.0),
            direction: DIRECTION.to_owned(),
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            r#type: route.to_string(),
            name: name.clone(),
            is_active: *is_active,
            hold: hold.as_ref().map(HoldDocument::from),
            http_methods: methods.as_slice().iter().map(ProxyMethod::to_string).collect(),
            target_url: target.to_string(),
            path_suffix: *path_suffix,
            client_auth: ClientDocument::new(client_auth, sealer)?,
            allowed_addresses: allowed_addresses.iter().map(ToString::to_string).collect(),
            auth: sealer.auth(auth)?,
            signing_secrets: signing.transpose()?,
            headers: sealer.headers(headers)?,
            request: request.as_ref().map(TransformationDocument::from),
            response: response.as_ref().map(TransformationDocument::from),
            script_timeout_ms: millis(*script_timeout),
            timeouts: (*timeouts).into(),
            retry_count: i32::from(*attempts),
            max_concurrency: i64::from(*max_concurrency),
            rate_limits: rate_limit.map(RateLimitDocument::from),
            probe_after_seconds: breaker.probe_after().map(|wait| long(wait.as_secs())),
            log_level: level.map_or(NO_LOG, log_level).to_owned(),
            logging: match logging {
                Logging::Required => REQUIRED.to_owned(),
                Logging::BestEffort => BEST_EFFORT.to_owned(),
            },
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        })
    }

    /// What is known without decrypting anything.
    pub(crate) fn stands(&self) -> Unreadable {
        Unreadable {
            id: IntegrationId(self.id.bytes()),
            name: self.name.clone(),
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            reason: String::new(),
        }
    }

    /// The same on hold and without its secrets: it matches the same calls and sends nothing.
    /// An integration that was switched off stays off.
    pub(crate) fn held(self, reason: &str) -> Self {
        let is_draft = !self.is_active && self.hold.is_none();
        Self {
            client_auth: ClientDocument::None,
            auth: AuthDocument::None,
            signing_secrets: None,
            headers: self.headers.plain(),
            request: None,
            response: None,
            is_active: false,
            hold: (!is_draft).then(|| HoldDocument::unreadable(reason, self.updated_at)),
            ..self
        }
    }

    pub(crate) fn read(self, secrets: &SecretBox) -> Result<InboundIntegration, StoreError> {
        let id = IntegrationId(self.id.bytes());
        let sealer = Sealer::of(secrets, id);
        let signing = self.signing_secrets.as_deref();
        let signing = signing.map(|sealed| sealer.read_signing(sealed, "signing"));
        let methods: Result<Vec<ProxyMethod>, _> = self.http_methods.iter().map(|method| method.parse()).collect();
        let methods = methods.and_then(AllowedMethods::new);
        let addresses: Result<_, _> = self.allowed_addresses.iter().map(|text| text.parse()).collect();
        Ok(InboundIntegration {
            id,
            org_id: OrgId(self.org_id),
            tenant_id: Rid(self.tenant_id),
            route: self.r#type.parse().map_err(|_| unreadable("type"))?,
            name: self.name,
            is_active: self.is_active,
            hold: self.hold.map(HoldDocument::read).transpose()?,
            methods: methods.map_err(|_| unreadable("httpMethods"))?,
            target: self.target_url.parse().map_err(|_| unreadable("targetUrl"))?,
            path_suffix: self.path_suffix,
            client_auth: self.client_auth.read(sealer)?,
            allowed_addresses: addresses.map_err(|_| unreadable("allowedAddresses"))?,
            auth: sealer.read_auth(self.auth)?,
            signing: signing.transpose()?,
            headers: sealer.read_headers(self.headers)?,
            request: self.request.map(TransformationDocument::read).transpose()?,
            response: self.response.map(TransformationDocument::read).transpose()?,
            script_timeout: Duration::from_millis(unsigned(self.script_timeout_ms)),
            timeouts: self.timeouts.read()?,
            attempts: u8::try_from(self.retry_count).map_err(|_| unreadable("retryCount"))?,
            max_concurrency: u32::try_from(self.max_concurrency).map_err(|_| unreadable("maxConcurrency"))?,
            rate_limit: self.rate_limits.map(RateLimitDocument::read).transpose()?,
            breaker: read_breaker(self.probe_after_seconds)?,
            log_level: match self.log_level.as_str() {
                NO_LOG => None,
                level => Some(read_log_level(level)?),
            },
            logging: match self.logging.as_str() {
                REQUIRED => Logging::Required,
                BEST_EFFORT => Logging::BestEffort,
                _ => return Err(unreadable("logging")),
            },
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
        })
    }
}
