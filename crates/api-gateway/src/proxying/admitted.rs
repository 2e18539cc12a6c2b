//! The steps of an admitted call.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Uri;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use ig_core::breaker::{DeliveryResult, ProbeId};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::inbound::ProxyMethod;
use ig_core::integration::ConfiguredLimit;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::{BreakerDecision, ProxiedCall, ProxyResponse, Upload};
use ig_transform::CompiledShape;
use tokio::time::Instant;

use super::call::{IncomingCall, Permits};
use super::content_headers::describe_json_body;
use super::forwarding::{AttemptStart, ForwardRetries};
use super::headers::{Origin, target_headers};
use super::intake::{self, BodyBounds, BodyNeed};
use super::matching::overloaded;
use super::outcome::{CallFailure, CallOutcome};
use super::record::{CallIdentity, CallRecord, DeadLetterDraft, MAX_LOGGED_BODY};
use super::routes::{CompiledRoute, Route};
use super::{Proxying, address, client_auth, responding, shaping};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::response_extras::ResponseExtras;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// When to try again while a breaker without probes is open.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);

/// An admitted call.
pub(super) struct AdmittedCall<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) proxying: &'a Arc<Proxying>,
    pub(super) route: Arc<Route>,
    pub(super) method: ProxyMethod,
    pub(super) identity: CallIdentity,
    pub(super) rest: &'a str,
    pub(super) call: &'a IncomingCall,
    pub(super) permits: Permits,
}

/// The body of a call before it is forwarded.
enum IncomingBody {
    /// Read already.
    Read(Upload),
    /// Not read yet.
    Unread(Body),
}

/// The response to a call: finished, or streaming with the call's record attached.
pub(super) enum CallResponse {
    Complete(Response),
    Streaming(Box<dyn FnOnce(CallRecord) -> Response + Send>),
}

impl AdmittedCall<'_> {
    /// Takes the call through its steps.
    pub(super) async fn serve(
        self,
        extras: &ResponseExtras,
        body: Body,
        record: &mut CallRecord,
    ) -> Result<CallResponse, CallFailure> {
        let route = Arc::clone(&self.route);
        let compiled = route.compiled.as_ref();
        let compiled = compiled.map_err(|reason| CallFailure::failed(Failure::new(ErrorCategory::Config, reason.clone())))?;
        client_auth::check(&route, compiled, self.call.client, &self.call.parts.headers)?;
        let body = self.authenticate_body(compiled, body, record).await?;
        let probe = self.ask_breaker().await?;
        let served = self.forward(compiled, extras, body, record).await;
        let ended = match &served {
            Ok(Some(_)) => DeliveryResult::Delivered,
            Ok(None) => DeliveryResult::Inconclusive,
            Err(failure) => breaker_outcome(failure),
        };
        self.proxying.report_end(&route, self.identity.message, ended, probe);
        let Some((response, started)) = served? else {
            return Ok(CallResponse::Complete(responding::no_content()));
        };
        let status = response.status;
        match compiled
            .response
            .as_ref()
            .filter(|_| responding::is_transformed(&route, &self.call.parts.method, status))
        {
            None => {
                let permits = self.permits;
                Ok(CallResponse::Streaming(Box::new(move |record| {
                    responding::stream(response, started, record, permits)
                })))
            }
            Some(shape) => {
                let (transformer, max_bytes) = (self.gateway.transformer(), self.gateway.http().body_limit_bytes);
                let shaped = responding::transform(transformer, (&route, shape), response, started, record, max_bytes).await;
                shaped.map(CallResponse::Complete)
            }
        }
    }

    /// Authenticates the client where that takes the whole body. This comes before the breaker and the limits, so that an
    /// unauthenticated call uses neither of them and leaves no dead letter.
    async fn authenticate_body(
        &self,
        compiled: &CompiledRoute,
        body: Body,
        record: &mut CallRecord,
    ) -> Result<IncomingBody, CallFailure> {
        if !compiled.client.needs_body() {
            return Ok(IncomingBody::Unread(body));
        }
        let headers = &self.call.parts.headers;
        let upload = intake::receive(headers, body, BodyNeed::Whole, self.body_bounds(record), &self.permits.body).await?;
        record.record_received_body(&upload);
        if let Upload::Whole(bytes) = &upload {
            self.proxying.verify_signature(&self.route, compiled, headers, bytes).await?;
        }
        Ok(IncomingBody::Read(upload))
    }

    /// Asks the breaker whether to send the call, perhaps as a probe.
    async fn ask_breaker(&self) -> Result<Option<ProbeId>, CallFailure> {
        let integration = &self.route.integration;
        match self
            .proxying
            .breakers
            .admit(&integration.breaker_subject(), self.identity.message)
            .await
        {
            BreakerDecision::Send(probe) => Ok(probe),
            BreakerDecision::Hold(hold) => {
                let message = format!("The target is not called at present: {}", hold.reason);
                let wait = integration.breaker.probe_after().unwrap_or(DEFAULT_RETRY_AFTER);
                Err(CallFailure::refused(ErrorCategory::ServerError, overloaded(&message, wait)))
            }
        }
    }

    /// The target's response; `None` where the request script returns nothing to send.
    async fn forward(
        &self,
        compiled: &CompiledRoute,
        extras: &ResponseExtras,
        body: IncomingBody,
        record: &mut CallRecord,
    ) -> Result<Option<(ProxyResponse, AttemptStart)>, CallFailure> {
        let deadline = Instant::now() + self.route.integration.timeouts.total;
        let address = self.target_address(compiled)?;
        record.set_target(&address);
        let limited = self.check_rate_limit(extras).await;
        let upload = match body {
            IncomingBody::Read(upload) => upload,
            IncomingBody::Unread(body) => {
                let headers = &self.call.parts.headers;
                // A call beyond its limit still leaves a dead letter if its body is at hand.
                if limited.is_err() && !intake::is_small(headers) {
                    return limited.map(|()| None);
                }
                let upload = intake::receive(
                    headers,
                    body,
                    self.body_need(compiled),
                    self.body_bounds(record),
                    &self.permits.body,
                )
                .await?;
                record.record_received_body(&upload);
                upload
            }
        };
        self.prepare_dead_letter(&upload, &address, record);
        if limited.is_err() {
            record.record_unsent_headers(&self.target_headers(compiled));
        }
        limited?;
        let Some(upload) = self.transform_request(compiled, upload, record).await? else {
            record.close(CallOutcome::Skipped, SystemClock.now());
            return Ok(None);
        };
        let mut call = self.prepare(compiled, address, upload);
        let retries = ForwardRetries {
            is_repeatable: self.is_repeatable(),
            attempts: self.route.integration.attempts,
            deadline,
            trace: &self.identity.trace,
        };
        self.proxying.forward(&mut call, retries, record).await.map(Some)
    }

    /// Counts the call against the integration's own limit.
    async fn check_rate_limit(&self, extras: &ResponseExtras) -> Result<(), CallFailure> {
        let integration = &self.route.integration;
        let Some(limit) = integration.rate_limit.and_then(ConfiguredLimit::in_force) else {
            return Ok(());
        };
        let limits = self.gateway.limits();
        let limited = limits
            .take_for_integration(integration.org_id, integration.id, limit, extras)
            .await;
        limited.map_err(|(error, until)| CallFailure::limited(error, until))
    }

    /// Whether a step needs the whole body.
    fn body_need(&self, compiled: &CompiledRoute) -> BodyNeed {
        let whole = compiled.template.signs() || self.request_shape(compiled).is_some();
        if whole { BodyNeed::Whole } else { BodyNeed::Stream }
    }

    fn request_shape<'a>(&self, compiled: &'a CompiledRoute) -> Option<&'a CompiledShape> {
        let has_no_body = matches!(self.method, ProxyMethod::Get | ProxyMethod::Head);
        compiled.request.as_ref().filter(|_| !has_no_body)
    }

    fn body_bounds(&self, record: &CallRecord) -> BodyBounds {
        BodyBounds {
            max_bytes: self.gateway.http().body_limit_bytes,
            total: self.route.integration.timeouts.total,
            captured: record.capture_limit(MAX_LOGGED_BODY),
        }
    }

    /// Whether the method is idempotent, or the client sent an idempotency key.
    fn is_repeatable(&self) -> bool {
        let key = self.call.parts.headers.get(IDEMPOTENCY_KEY);
        self.method.is_idempotent() || key.is_some_and(|key| !key.is_empty())
    }

    fn retry_policy(&self) -> RetryPolicy {
        let configuration = self.gateway.feed().configuration();
        let organization = configuration.org(self.route.integration.org_id);
        let organization = organization.and_then(|org| org.organization());
        organization.and_then(|org| org.retry_policy).unwrap_or_default()
    }

    /// Keeps a buffered body as a dead letter in case the call fails, unless its address is too long to store.
    fn prepare_dead_letter(&self, upload: &Upload, address: &Uri, record: &mut CallRecord) {
        let Upload::Whole(body) = upload else { return };
        let has_body = matches!(self.method, ProxyMethod::Post | ProxyMethod::Put | ProxyMethod::Patch);
        if let Some(address) = address.to_string().parse().ok().filter(|_| has_body && record.is_logged()) {
            record.set_dead_letter(DeadLetterDraft {
                body: body.clone(),
                address,
                entity: self.route.integration.tenant_id,
                is_repeatable: self.is_repeatable(),
                policy: self.retry_policy(),
            });
        }
    }

    async fn transform_request(
        &self,
        compiled: &CompiledRoute,
        upload: Upload,
        record: &mut CallRecord,
    ) -> Result<Option<Upload>, CallFailure> {
        let (Some(shape), Upload::Whole(body)) = (self.request_shape(compiled), &upload) else {
            return Ok(Some(upload));
        };
        let transformer = self.gateway.transformer();
        let headers = &self.call.parts.headers;
        let shaped = shaping::transform_request(transformer, &self.route, shape, headers, body, record).await?;
        Ok(shaped.map(|body| {
            record.record_sent_body(&body);
            Upload::Whole(body)
        }))
    }

    /// The target address.
    fn target_address(&self, compiled: &CompiledRoute) -> Result<Uri, CallFailure> {
        let query = address::target_query(self.call.parts.uri.query().unwrap_or_default());
        compiled.template.address(self.rest, &query).map_err(|bad| {
            let error = ApiError::parameter("path", bad.to_string());
            CallFailure::refused(ErrorCategory::ClientError, error)
        })
    }

    /// The headers to forward.
    fn target_headers(&self, compiled: &CompiledRoute) -> HeaderMap {
        let origin = Origin {
            client: self.call.client,
            is_https: self.call.is_https,
            request_id: &self.call.request_id,
        };
        let mut headers = target_headers(&self.call.parts, &compiled.client, origin);
        if self.request_shape(compiled).is_some() {
            describe_json_body(&mut headers);
        }
        if compiled.response.is_some() {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        headers
    }

    fn prepare(&self, compiled: &CompiledRoute, address: Uri, upload: Upload) -> ProxiedCall {
        let method = self.call.parts.method.clone();
        let call = ProxiedCall::new(
            compiled.template.clone(),
            method,
            address,
            self.target_headers(compiled),
            upload,
        );
        call.signed(&self.identity.message.to_string(), self.identity.received_at)
    }
}

/// The result of a failed call for the breaker. A client's mistake, or a limit, says nothing about the target.
fn breaker_outcome(failure: &CallFailure) -> DeliveryResult {
    match &failure.outcome {
        CallOutcome::Failed(failure) if failure.category != ErrorCategory::Transformation => {
            DeliveryResult::Failed(failure.message.clone())
        }
        CallOutcome::Failed(_)
        | CallOutcome::Answered
        | CallOutcome::RefusedByTarget(_)
        | CallOutcome::Refused(_)
        | CallOutcome::Limited(_)
        | CallOutcome::Interrupted(_)
        | CallOutcome::Skipped
        | CallOutcome::ClientDisconnected => DeliveryResult::Inconclusive,
    }
}
