//! The steps of an admitted call.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Uri;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use ig_core::breaker::{Ended, ProbeId};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::inbound::ProxyMethod;
use ig_core::integration::SetLimit;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::redelivery::RetryPolicy;
use ig_delivery::{BreakerDecision, ProxiedCall, ProxyResponse, Upload};
use ig_transform::CompiledShape;
use tokio::time::Instant;

use super::call::{IncomingCall, Permits};
use super::described::describe_another;
use super::forwarding::{Began, ForwardRetries};
use super::headers::{Origin, forwarded};
use super::intake::{self, Bounds, Need};
use super::outcome::{CallFailure, CallOutcome};
use super::record::{CallRecord, Identity, Letter, MAX_LOGGED_BODY};
use super::routes::{Ready, Route};
use super::wanted::overloaded;
use super::{Proxying, address, answering, client, shaping};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::response_extras::ResponseExtras;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// When to try again while a breaker without probes is open.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);

/// An admitted call.
pub(super) struct Admitted<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) proxying: &'a Arc<Proxying>,
    pub(super) route: Arc<Route>,
    pub(super) method: ProxyMethod,
    pub(super) identity: Identity,
    pub(super) rest: &'a str,
    pub(super) call: &'a IncomingCall,
    pub(super) permits: Permits,
}

/// The body of a call before it is forwarded.
enum Arriving {
    /// Read already.
    Taken(Upload),
    /// Not read yet.
    Coming(Body),
}

/// The response to a call: finished, or streaming with the call's record attached.
pub(super) enum Served {
    Answer(Response),
    Streams(Box<dyn FnOnce(CallRecord) -> Response + Send>),
}

impl Admitted<'_> {
    /// Takes the call through its steps.
    pub(super) async fn serve(self, extras: &ResponseExtras, body: Body, record: &mut CallRecord) -> Result<Served, CallFailure> {
        let route = Arc::clone(&self.route);
        let ready = route.ready.as_ref();
        let ready = ready.map_err(|reason| CallFailure::failed(Failure::new(ErrorCategory::Config, reason.clone())))?;
        client::admitted(&route, ready, self.call.client, &self.call.parts.headers)?;
        let body = self.proven(ready, body, record).await?;
        let probe = self.passage().await?;
        let served = self.pass_through(ready, extras, body, record).await;
        let ended = match &served {
            Ok(Some(_)) => Ended::Delivered,
            Ok(None) => Ended::Untold,
            Err(stop) => told(stop),
        };
        self.proxying.ended(&route, self.identity.message, ended, probe);
        let Some((answered, began)) = served? else {
            return Ok(Served::Answer(answering::nothing()));
        };
        let status = answered.status;
        match ready
            .response
            .as_ref()
            .filter(|_| answering::is_shaped(&route, &self.call.parts.method, status))
        {
            None => {
                let permits = self.permits;
                Ok(Served::Streams(Box::new(move |record| {
                    answering::streamed(answered, began, record, permits)
                })))
            }
            Some(shape) => {
                let (transformer, most) = (self.gateway.transformer(), self.gateway.http().body_limit_bytes);
                let shaped = answering::shaped(transformer, (&route, shape), answered, began, record, most).await;
                shaped.map(Served::Answer)
            }
        }
    }

    /// Authenticates the client where that takes the whole body. This comes before the breaker and the limits, so that an
    /// unauthenticated call uses neither of them and leaves no dead letter.
    async fn proven(&self, ready: &Ready, body: Body, record: &mut CallRecord) -> Result<Arriving, CallFailure> {
        if !ready.client.needs_body() {
            return Ok(Arriving::Coming(body));
        }
        let headers = &self.call.parts.headers;
        let upload = intake::body(headers, body, Need::Whole, self.bounds(record), &self.permits.body).await?;
        record.came_with(&upload);
        if let Upload::Whole(bytes) = &upload {
            self.proxying.verified(&self.route, ready, headers, bytes).await?;
        }
        Ok(Arriving::Taken(upload))
    }

    /// Asks the breaker whether to send the call, perhaps as a probe.
    async fn passage(&self) -> Result<Option<ProbeId>, CallFailure> {
        let integration = &self.route.integration;
        match self
            .proxying
            .breakers
            .admit(&integration.guarded(), self.identity.message)
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
    async fn pass_through(
        &self,
        ready: &Ready,
        extras: &ResponseExtras,
        body: Arriving,
        record: &mut CallRecord,
    ) -> Result<Option<(ProxyResponse, Began)>, CallFailure> {
        let deadline = Instant::now() + self.route.integration.timeouts.total;
        let address = self.address(ready)?;
        record.goes_to(&address);
        let limited = self.limit(extras).await;
        let upload = match body {
            Arriving::Taken(upload) => upload,
            Arriving::Coming(body) => {
                let headers = &self.call.parts.headers;
                // A call beyond its limit still leaves a dead letter if its body is at hand.
                if limited.is_err() && !intake::is_small(headers) {
                    return limited.map(|()| None);
                }
                let upload = intake::body(headers, body, self.need(ready), self.bounds(record), &self.permits.body).await?;
                record.came_with(&upload);
                upload
            }
        };
        self.leave_letter(&upload, &address, record);
        if limited.is_err() {
            record.held_back(&self.headers(ready));
        }
        limited?;
        let Some(upload) = self.shape(ready, upload, record).await? else {
            record.close(CallOutcome::Skipped, SystemClock.now());
            return Ok(None);
        };
        let mut call = self.prepared(ready, address, upload);
        let persistence = ForwardRetries {
            is_repeatable: self.is_repeatable(),
            attempts: self.route.integration.attempts,
            deadline,
            trace: &self.identity.trace,
        };
        self.proxying.pass(&mut call, persistence, record).await.map(Some)
    }

    /// Counts the call against the integration's own limit.
    async fn limit(&self, extras: &ResponseExtras) -> Result<(), CallFailure> {
        let integration = &self.route.integration;
        let Some(limit) = integration.rate_limit.and_then(SetLimit::in_force) else {
            return Ok(());
        };
        let limits = self.gateway.limits();
        let limited = limits
            .take_for_integration(integration.org_id, integration.id, limit, extras)
            .await;
        limited.map_err(|(error, until)| CallFailure::limited(error, until))
    }

    /// Whether a step needs the whole body.
    fn need(&self, ready: &Ready) -> Need {
        let whole = ready.template.signs() || self.shapes(ready).is_some();
        if whole { Need::Whole } else { Need::Stream }
    }

    fn shapes<'a>(&self, ready: &'a Ready) -> Option<&'a CompiledShape> {
        let bodiless = matches!(self.method, ProxyMethod::Get | ProxyMethod::Head);
        ready.request.as_ref().filter(|_| !bodiless)
    }

    fn bounds(&self, record: &CallRecord) -> Bounds {
        Bounds {
            most: self.gateway.http().body_limit_bytes,
            total: self.route.integration.timeouts.total,
            kept: record.keeps(MAX_LOGGED_BODY),
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
    fn leave_letter(&self, upload: &Upload, address: &Uri, record: &mut CallRecord) {
        let Upload::Whole(body) = upload else { return };
        let has_body = matches!(self.method, ProxyMethod::Post | ProxyMethod::Put | ProxyMethod::Patch);
        if let Some(address) = address.to_string().parse().ok().filter(|_| has_body && record.is_kept()) {
            record.would_leave(Letter {
                body: body.clone(),
                address,
                entity: self.route.integration.tenant_id,
                is_repeatable: self.is_repeatable(),
                policy: self.retry_policy(),
            });
        }
    }

    async fn shape(&self, ready: &Ready, upload: Upload, record: &mut CallRecord) -> Result<Option<Upload>, CallFailure> {
        let (Some(shape), Upload::Whole(body)) = (self.shapes(ready), &upload) else {
            return Ok(Some(upload));
        };
        let transformer = self.gateway.transformer();
        let headers = &self.call.parts.headers;
        let shaped = shaping::request(transformer, &self.route, shape, headers, body, record).await?;
        Ok(shaped.map(|body| {
            record.sends(&body);
            Upload::Whole(body)
        }))
    }

    /// The target address.
    fn address(&self, ready: &Ready) -> Result<Uri, CallFailure> {
        let query = address::query(self.call.parts.uri.query().unwrap_or_default());
        ready.template.address(self.rest, &query).map_err(|bad| {
            let error = ApiError::parameter("path", bad.to_string());
            CallFailure::refused(ErrorCategory::ClientError, error)
        })
    }

    /// The headers to forward.
    fn headers(&self, ready: &Ready) -> HeaderMap {
        let origin = Origin {
            client: self.call.client,
            is_https: self.call.is_https,
            request_id: &self.call.request_id,
        };
        let mut headers = forwarded(&self.call.parts, &ready.client, origin);
        if self.shapes(ready).is_some() {
            describe_another(&mut headers);
        }
        if ready.response.is_some() {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        headers
    }

    fn prepared(&self, ready: &Ready, address: Uri, upload: Upload) -> ProxiedCall {
        let method = self.call.parts.method.clone();
        let call = ProxiedCall::new(ready.template.clone(), method, address, self.headers(ready), upload);
        call.signed(&self.identity.message.to_string(), self.identity.came_at)
    }
}

/// The result of a failed call for the breaker. A client's mistake, or a limit, says nothing about the target.
fn told(stop: &CallFailure) -> Ended {
    match &stop.ending {
        CallOutcome::Failed(failure) if failure.category != ErrorCategory::Transformation => {
            Ended::Failed(failure.message.clone())
        }
        CallOutcome::Failed(_)
        | CallOutcome::ProxyResponse
        | CallOutcome::RefusedByTarget(_)
        | CallOutcome::Refused(_)
        | CallOutcome::Limited(_)
        | CallOutcome::BrokeOff(_)
        | CallOutcome::Skipped
        | CallOutcome::ClientLeft => Ended::Untold,
    }
}
